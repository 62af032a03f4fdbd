// gui/model/live_capture.h - Wireshark beside a running lab: what passes a place goes down a pipe,
// as pcapng, while it passes.
#pragma once

#include <QObject>
#include <QProcess>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "gui/client/subscription.h"

namespace stackyard {
class CaptureFile;
}

namespace stackyard::gui {

class LiveCapture final : public QObject {
  Q_OBJECT
 public:
  // `on`: a link, a node, or "node:interface". Ends, and deletes itself, when the program does.
  LiveCapture(LabClient& client, const QString& on, const QString& program,
              const QStringList& arguments, QObject* parent = nullptr);
  ~LiveCapture() override;
  static constexpr char wireshark[] = "wireshark";
  static QStringList wiresharkArguments(const QString& title);
  void stop();

 signals:
  // It cannot be, and why.
  void failed(const QString& why);
  void ended();

 private:
  void take(const nlohmann::json& params);
  void pass();

  QProcess process_;
  std::string octets_;  // written by file_, not passed on yet
  std::unique_ptr<CaptureFile> file_;
  Subscription subscription_;
};

}  // namespace stackyard::gui
