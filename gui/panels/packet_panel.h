// gui/panels/packet_panel.h - the list of packets, and the layers and octets of the one chosen.
#pragma once

#include <QTimer>
#include <QWidget>

#include "gui/client/subscription.h"
#include "gui/model/packet_list.h"

class QLineEdit;
class QLabel;
class QPlainTextEdit;
class QTreeWidget;

namespace stackyard::gui {

class PacketView;

class PacketPanel final : public QWidget {
  Q_OBJECT
 public:
  PacketPanel(LabClient& client, const Colours& colours, QWidget* parent = nullptr);
  PacketList& model() { return model_; }
  // Another client's lab: watches it from now on.
  void restart();
  void select(int row);
  // Lists what fits a filter from now on.
  void setFilter(const QString& filter);
  QString filter() const;
  PacketView& view() { return *list_; }
  // Packets that a flood had too many of.
  quint64 missed() const { return missed_; }

 signals:
  // The links that the chosen packet has passed, in order.
  void pathChosen(const QStringList& links);
  void ladderWanted(int row);
  void frameSeen(const QString& link, const QString& node, const QString& text);

 private:
  void watch();
  void take(const nlohmann::json& params);
  void tell(const QString& message);
  void show(int row);
  void showStory(int row);
  void filterFor(int row);
  void showField();
  void save();
  void openWireshark();

  LabClient& client_;
  PacketList model_;
  quint64 missed_ = 0;
  QTimer timer_;
  QLineEdit* filter_;
  QLabel* message_;
  PacketView* list_;
  QTreeWidget* layers_;
  QPlainTextEdit* octets_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;
};

}  // namespace stackyard::gui
