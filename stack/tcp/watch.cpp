// stack/tcp/watch.cpp - what those who watch connections are told (Observer::connection). Nothing
// here changes anything: it is called only while somebody wants to know.
#include "stack/kern/vnet.h"
#include "stack/net/net_stack.h"
#include "stack/tcp/tcp.h"

namespace stackyard {

void TcpConnection::note(const char* before, const char* why) const {
  ConnectionNote note{.stack = tcp_.ip().net().vnet().serial(),
                      .local = local_.address,
                      .foreign = foreign_.address,
                      .local_port = local_.port,
                      .foreign_port = foreign_.port,
                      .state = tcp_state_name(state_),
                      .before = before,
                      .why = why};
  note.cwnd = window_.cwnd;
  note.ssthresh = window_.ssthresh;
  note.flight = in_flight();
  note.send_window = snd_wnd_;
  note.receive_window = rcv_wnd_;
  note.send_queue = uint32_t(sending_.size());
  note.retransmitted = history_->retransmitted;
  note.smoothed_rtt = rtt_.smoothed();
  note.rtt_variation = rtt_.variation();
  note.timeout = rxtcur_;
  tcp_.site().note_connection(note);
}

}  // namespace stackyard
