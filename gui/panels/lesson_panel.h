// gui/panels/lesson_panel.h - the lab's lesson, and its checks with points, verdicts and hints.
#pragma once

#include <QTextBrowser>
#include <QTreeWidget>
#include <QWidget>
#include <map>
#include <nlohmann/json.hpp>

#include "gui/canvas/colours.h"
#include "lab/spec/lab_spec.h"

class QLabel;

namespace stackyard::gui {

class LabClient;

class LessonPanel final : public QWidget {
  Q_OBJECT
 public:
  LessonPanel(LabClient& client, const Colours& colours, QWidget* parent = nullptr);
  void show(const LabSpec& lab);
  // Asks for the verdicts so far and for those to come.
  void restart();
  QString verdict(const QString& check) const;
  // What the lab says that shows a check's verdict (`shown_by` of the protocol); null: nothing yet.
  nlohmann::json evidence(const QString& check) const;

 signals:
  // The user wants to see what decided a check.
  void evidenceWanted(const QString& check);

 private:
  void take(const nlohmann::json& check);
  void hint();
  void tellScore();

  LabClient& client_;
  const Colours& colours_;
  QTextBrowser* text_;
  QTreeWidget* checks_;
  QLabel* score_;
  std::map<QString, QStringList> hints_;  // those not shown yet
  std::map<QString, nlohmann::json> evidence_;
};

}  // namespace stackyard::gui
