// core/trace/connection_trace.h - connections as lines of CSV: how they stand whenever something
// happened, and every change of state with its reason.
#pragma once

#include <functional>
#include <string>

#include "core/trace/observer.h"

namespace stackyard {

class ConnectionTrace final : public Observer {
 public:
  // `name_of`: a node's name; `put`: where lines go.
  ConnectionTrace(std::function<std::string(NodeId)> name_of,
                  std::function<void(std::string_view)> put)
      : name_of_(std::move(name_of)), put_(std::move(put)) {}
  // The first line: the columns' names.
  static std::string_view head();
  void connection(const TraceStamp& stamp, const ConnectionNote& note) override;

 private:
  std::function<std::string(NodeId)> name_of_;
  std::function<void(std::string_view)> put_;
};

}  // namespace stackyard
