#include "gui/client/subscription.h"

#include <nlohmann/json.hpp>

namespace stackyard::gui {

namespace {

void unsubscribe(LabClient& client, qint64 number) {
  client.call("unsubscribe", {{"subscription", number}}, {}, [](const QString&) {});
}

}  // namespace

Subscription::Subscription(LabClient& client, const QString& method, const Json& params, Take take,
                           LabClient::Refusal refused)
    : client_(&client), connection_(client.connection()) {
  connect(&client, &LabClient::told, this,
          [this, method, take = std::move(take)](const QString& told, const Json& message) {
            if (told != method || number_ < 0) return;
            const Json& its = message.at("params");
            if (its.value("subscription", int64_t(-1)) == number_) take(its);
          });
  const QPointer<Subscription> self(this);
  LabClient::Refusal refusal;
  if (refused)
    refusal = [self, refused = std::move(refused)](const QString& why) {
      if (self) refused(why);
    };
  client.call(
      "subscribe", params,
      [self, &client](const Json& result) {
        const auto number = result.at("subscription").get<qint64>();
        if (self)
          self->number_ = number;
        else
          unsubscribe(client, number);  // nobody has waited for it
      },
      std::move(refusal));
}

Subscription::~Subscription() {
  if (number_ >= 0 && client_ && client_->isOpen() && client_->connection() == connection_)
    unsubscribe(*client_, number_);
}

}  // namespace stackyard::gui
