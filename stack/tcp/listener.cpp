#include "stack/tcp/listener.h"

#include <algorithm>

#include "stack/tcp/tcp.h"

namespace stackyard {

// Connections that nobody accepted are reset (soclose(9)).
TcpListener::~TcpListener() {
  queue_.insert(queue_.end(), held_.begin(), held_.end());
  for (TcpConnection* connection : queue_) {
    connection->queued_by_ = nullptr;
    connection->held_ = false;
    connection->abort(Errno::ok);
    tcp_.release(*connection);
  }
}

void TcpListener::set_backlog(int backlog) {
  const int backlog_max = int(tcp_.settings().soacceptqueue);
  backlog_ = size_t(backlog < 0 || backlog > backlog_max ? backlog_max : backlog);
}

void TcpListener::add(TcpConnection& connection) {
  connection.queued_by_ = this;
  queue_.push_back(&connection);
}

TcpConnection* TcpListener::take() {
  if (queue_.empty()) return nullptr;
  TcpConnection* first = queue_.front();
  queue_.erase(queue_.begin());
  first->queued_by_ = nullptr;
  return first;
}

}  // namespace stackyard
