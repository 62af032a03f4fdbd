// lab/drill/transfers.cpp - calls that move octets.
#include <algorithm>

#include "core/base/text.h"
#include "lab/drill/calls.h"
#include "lab/drill/symbols.h"

namespace stackyard::drill {

using Kind = Expression::Kind;

// --- receiving ---------------------------------------------------------------------------------

Calls::Made Calls::receive_octets(Process& p, size_t max, int64_t flags, const Expression* from) {
  ReceiveOptions options;
  options.peek = flags & *symbol("MSG_PEEK");
  options.dont_wait = flags & *symbol("MSG_DONTWAIT");
  options.wait_all = flags & *symbol("MSG_WAITALL");
  options.out_of_band = flags & *symbol("MSG_OOB");
  const Result<Received> got = co_await p.receive(fd(0), max, options);
  if (!got) co_return got.error();
  if (from) compare_address(got->from, *from);
  const Expression& data = argument(1);
  if (data.kind == Kind::text && octets(data, got->octets.size()) != got->octets)
    wrong(text("data: expected {}, got \"{}\"", to_text(data), text_of(got->octets)));
  co_return int64_t(got->octets.size());
}

Calls::Made Calls::read(Process& p) {
  const bool vector = call_.name == "readv";
  const size_t max = vector ? vector_size(argument(1)) : size_t(number(2));
  const auto file = p.file(fd(0));
  if (!file) co_return file.error();
  if ((*file)->socket()) co_return co_await receive_octets(p, max, 0, nullptr);
  const Result<std::string> got = co_await p.read(fd(0), max);
  if (!got) co_return got.error();
  co_return int64_t(got->size());
}

Calls::Made Calls::receive(Process& p) {
  const Expression* from = call_.arguments.size() > 4 ? &argument(4) : nullptr;
  const int64_t flags = call_.arguments.size() > 3 ? number(3) : 0;
  co_return co_await receive_octets(p, size_t(number(2)), flags, from);
}

Calls::Made Calls::receive_message(Process& p) {
  const Expression& message = argument(1);
  const Expression* vector = message.find("msg_iov");
  if (!vector) fail("msg_iov is missing");
  const Expression* name = message.find("msg_name");
  const int64_t flags = call_.arguments.size() > 2 ? number(2) : 0;
  co_return co_await receive_octets(p, vector_size(*vector), flags,
                                    name && name->kind == Kind::record ? name : nullptr);
}

// --- sending -----------------------------------------------------------------------------------

Calls::Made Calls::send_octets(Process& p, std::vector<uint8_t> octets, int64_t flags,
                               const Expression* to) {
  SendOptions options;
  options.dont_wait = flags & *symbol("MSG_DONTWAIT");
  options.no_signal = flags & *symbol("MSG_NOSIGNAL");
  options.out_of_band = flags & *symbol("MSG_OOB");
  if (to && to->kind == Kind::record) {
    options.to = address(*to, false);
  } else if (to && to->is_any()) {
    // packetdrill's peer, unless the socket is connected.
    const auto peer = p.peer_name(fd(0));
    if (!peer || peer->port == 0) options.to = address(*to, false);
  }
  if (options.to) follow_stream(p, fd(0), *options.to);
  const bool eof = flags & *symbol("MSG_EOF");
  const Result<size_t> sent = co_await p.send(fd(0), std::move(octets), options);
  if (!sent) co_return sent.error();
  if (eof) (void)co_await p.shutdown(fd(0), ShutdownHow::write);
  co_return int64_t(*sent);
}

Calls::Made Calls::write(Process& p) {
  const bool vector = call_.name == "writev";
  std::vector<uint8_t> data =
      vector ? vector_octets(argument(1)) : octets(argument(1), size_t(number(2)));
  const auto file = p.file(fd(0));
  if (!file) co_return file.error();
  if ((*file)->socket()) co_return co_await send_octets(p, std::move(data), 0, nullptr);
  const size_t length = data.size();
  std::string octets_of(text_of(data));
  const Result<> done = co_await p.write(fd(0), std::move(octets_of));
  if (!done) co_return done.error();
  co_return int64_t(length);
}

Calls::Made Calls::send(Process& p) {
  const Expression* to = call_.arguments.size() > 4 ? &argument(4) : nullptr;
  const int64_t flags = call_.arguments.size() > 3 ? number(3) : 0;
  std::vector<uint8_t> data = octets(argument(1), size_t(number(2)));
  co_return co_await send_octets(p, std::move(data), flags, to);
}

Calls::Made Calls::send_message(Process& p) {
  const Expression& message = argument(1);
  const Expression* vector = message.find("msg_iov");
  if (!vector) fail("msg_iov is missing");
  const Expression* control = message.find("msg_control");
  if (control && !control->parts.empty())
    throw Skip{line_, "control messages are not in this build yet"};
  const int64_t flags = call_.arguments.size() > 2 ? number(2) : 0;
  std::vector<uint8_t> data = vector_octets(*vector);
  co_return co_await send_octets(p, std::move(data), flags, message.find("msg_name"));
}

// FreeBSD's has seven arguments: file, socket, offset, count, headers, sent, flags; Linux's four.
Calls::Made Calls::send_file(Process& p) {
  const bool linux_like = call_.arguments.size() == 4;
  const Fd socket = fd(linux_like ? 0 : 1), from = fd(linux_like ? 1 : 0);
  const size_t offset = size_t(number(2)), count = size_t(number(3));
  const auto file = p.file(from);
  if (!file) co_return file.error();
  std::string data;
  while (count == 0 || data.size() < offset + count) {
    const Result<std::string> part = co_await p.read(from, 65536);
    if (!part) co_return part.error();
    if (part->empty()) break;
    data += *part;
  }
  data.erase(0, std::min(offset, data.size()));
  if (count != 0 && data.size() > count) data.resize(count);
  std::vector<uint8_t> octets(data.begin(), data.end());
  const SendOptions options;
  const Result<size_t> sent = co_await p.send(socket, std::move(octets), options);
  if (!sent) co_return sent.error();
  if (linux_like) co_return int64_t(*sent);
  const Expression& told = argument(5);
  if (!told.is_any() && told.text != "NULL" && number(told) != int64_t(*sent))
    wrong(text("sent: expected {}, got {}", to_text(told), *sent));
  co_return 0;
}

}  // namespace stackyard::drill
