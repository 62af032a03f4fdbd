// gui/model/live_lab.h - a running lab follows the text: what can change while it runs is changed,
// and what cannot is told.
#pragma once

#include <QHash>
#include <QObject>

#include "gui/client/lab_client.h"
#include "lab/spec/lab_spec.h"

namespace stackyard::gui {

class LiveLab final : public QObject {
  Q_OBJECT
 public:
  explicit LiveLab(LabClient& client, QObject* parent = nullptr);
  // A server has begun with this text.
  void begin(const QString& text, const LabSpec& spec);
  // The text says this now, without mistakes.
  void follow(const QString& text, const LabSpec& spec);
  // What a running lab has not taken; empty: it is what the text says.
  const QString& behind() const { return behind_; }

 signals:
  void behindChanged(const QString& what);
  // The running lab's names of links, where the file has others.
  void linksNamed(const QHash<QString, QString>& file_by_live);

 private:
  struct Plan;
  void addTo(Plan& plan, const Yaml& root, const LabSpec& spec) const;
  void setLinks(const LabSpec& spec, const std::vector<int>& match);
  void compare(const Yaml& old, const Yaml& now, const LabSpec& spec);
  void fallBehind(const QString& what);
  void tellNames();
  void learnNames();
  void call(const std::string& method, const Json& params);

  LabClient& client_;
  Yaml root_;
  LabSpec spec_;
  std::vector<std::string> live_;  // of each link: its name in the running lab; empty: not known
  QStringList behind_parts_;
  QString behind_;
};

}  // namespace stackyard::gui
