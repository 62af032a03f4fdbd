// stack/tcp/accept_filter.cpp - connections that accept(2) sees only when there is something to
// read (accept_filter(9), accf_data(9), accf_http(9)).
#include <algorithm>

#include "stack/tcp/listener.h"
#include "stack/tcp/tcp.h"

namespace stackyard {

namespace {

// A request that is all there, or that will never be one.
bool is_whole_request(const std::string& start) {
  const auto could_be = [&](std::string_view method) {
    const size_t length = std::min(method.size(), start.size());
    return start.compare(0, length, method.substr(0, length)) == 0;
  };
  if (!could_be("GET ") && !could_be("HEAD ")) return true;
  return start.find("\n\r\n") != start.npos || start.find("\n\n") != start.npos;
}

}  // namespace

bool TcpConnection::filter_lets_in() const {
  if (state_ != TcpState::established) return true;  // its end is news, too
  if (received_.octets() == 0) return false;
  if (queued_by_->own().options.accept_filter == TcpAcceptFilter::data) return true;
  constexpr size_t look_max = 8192;
  if (received_.octets() >= look_max) return true;
  std::string start;
  received_.look(look_max, [&](Bytes part) { start.append(part.begin(), part.end()); });
  return is_whole_request(start);
}

void TcpListener::hold(TcpConnection& connection) {
  connection.queued_by_ = this;
  connection.held_ = true;
  held_.push_back(&connection);
}

void TcpListener::let_in(TcpConnection& connection) {
  connection.held_ = false;
  std::erase(held_, &connection);
  add(connection);
  own_.changed();
}

}  // namespace stackyard
