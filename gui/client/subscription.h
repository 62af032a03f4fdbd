// gui/client/subscription.h - what a served lab goes on telling a window, until this is gone.
#pragma once

#include <QObject>
#include <QPointer>

#include "gui/client/lab_client.h"

namespace stackyard::gui {

class Subscription final : public QObject {
  Q_OBJECT
 public:
  using Take = std::function<void(const Json& params)>;
  // Asks for `params`; each notification `method` of it goes to `take`. No function is called once
  // this is gone.
  Subscription(LabClient& client, const QString& method, const Json& params, Take take,
               LabClient::Refusal refused = {});
  ~Subscription() override;

 private:
  QPointer<LabClient> client_;  // it may end first
  uint64_t connection_;         // numbers are a connection's
  qint64 number_ = -1;
};

}  // namespace stackyard::gui
