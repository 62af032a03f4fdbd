// stack/tcp/listener.h - a listening socket: connections that wait to be accepted (listen(2)).
#pragma once

#include <vector>

#include "stack/tcp/connection.h"

namespace stackyard {

class TcpListener {
 public:
  TcpListener(Tcp& tcp, TcpConnection& own) : tcp_(tcp), own_(own) {}
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;

  void set_backlog(int backlog);
  size_t backlog() const { return backlog_; }
  // FreeBSD lets half as many more in.
  bool full() const { return queue_.size() + held_.size() > backlog_ * 3 / 2; }
  // An accept filter keeps it back, until it is let in.
  void hold(TcpConnection& connection);
  void let_in(TcpConnection& connection);
  void add(TcpConnection& connection);
  TcpConnection* take();
  bool has_waiting() const { return !queue_.empty(); }
  size_t waiting() const { return queue_.size(); }
  TcpConnection& own() const { return own_; }

 private:
  Tcp& tcp_;
  TcpConnection& own_;
  size_t backlog_ = 0;
  std::vector<TcpConnection*> queue_;  // in order of completion
  std::vector<TcpConnection*> held_;
};

}  // namespace stackyard
