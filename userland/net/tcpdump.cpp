// userland/net/tcpdump.cpp - tcpdump(1): prints or saves what an interface sees.
#include <algorithm>

#include "core/base/text.h"
#include "core/capture/capture_file.h"
#include "core/capture/filter.h"
#include "core/dissect/dissect.h"
#include "stack/net/api/interface_requests.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

class Tcpdump {
 public:
  Tcpdump(Sys& sys, const Options& options, std::string filter)
      : sys_(sys), options_(options), filter_(std::move(filter)) {}
  Task<int> live();
  Task<int> from_file(std::string path);

 private:
  Task<void> show(const Received& frame, bool ethernet);
  std::string stamp(SimTime time);
  std::string render(const Received& frame, bool ethernet);
  Task<void> save();
  Task<int> finish();

  Sys& sys_;
  const Options& options_;
  std::string filter_;
  int64_t shown_ = 0;
  std::optional<SimTime> previous_, first_;
  std::string saved_;  // of -w: what is not yet in the file
  Fd out_ = fd_out;
  std::unique_ptr<CaptureFile> file_;
};

std::string Tcpdump::stamp(SimTime time) {
  const auto clock = [](SimTime t) {
    return text("{:02}:{:02}:{:02}.{:06}", t.s() / 3600 % 24, t.s() / 60 % 60, t.s() % 60,
                t.us() % 1'000'000);
  };
  if (!first_) first_ = time;
  const SimTime before = previous_.value_or(time);
  previous_ = time;
  switch (options_.count('t')) {
    case 0:
      return clock(time) + " ";
    case 1:
      return "";
    case 2:
      return text("{}.{:06} ", time.s(), time.us() % 1'000'000);
    case 3:
      return clock(time - before) + " ";
    case 4:
      return "1970-01-01 " + clock(time) + " ";
    default:
      return clock(time - *first_) + " ";
  }
}

std::string Tcpdump::render(const Received& frame, bool ethernet) {
  const DissectOptions how{.link_header = options_.has('e'), .verbose = options_.has('v')};
  const Bytes octets = frame.octets;
  const Bytes packet = octets.subspan(std::min<size_t>(octets.size(), ethernet ? 14 : 4));
  std::string words = stamp(frame.time);
  if (ethernet)
    words += one_line(octets, how);
  else
    words += (how.link_header ? "AF IPv4 (2), length " + text("{}: ", octets.size()) : "") +
             one_line_ip(packet, how);
  words += "\n";
  const bool whole_frame = options_.count('x') > 1 || options_.count('X') > 1;
  if (options_.has('x') || options_.has('X'))
    words += hex_dump(whole_frame ? octets : packet, options_.has('X'));
  return words;
}

Task<void> Tcpdump::show(const Received& frame, bool ethernet) {
  ++shown_;
  if (file_) {
    file_->write({.time = frame.time,
                  .length = uint32_t(frame.length),
                  .octets = frame.octets,
                  .comment = {}});
    co_await save();
  } else {
    co_await sys_.print(render(frame, ethernet));
  }
}

// Each packet is in the file at once, as with -U: a reader may follow, and a kill loses nothing.
Task<void> Tcpdump::save() {
  (void)file_->flush();
  const std::string octets = std::exchange(saved_, "");
  co_await sys_.write(out_, octets).or_err(1, options_.value('w'));
}

Task<int> Tcpdump::finish() {
  co_await sys_.print_error(
      text("{} packet{} captured\n{} packet{} received by filter\n0 packets dropped by kernel\n",
           shown_, shown_ == 1 ? "" : "s", shown_, shown_ == 1 ? "" : "s"));
  co_return 0;
}

Task<int> Tcpdump::live() {
  std::string interface = options_.value('i');
  ListInterfaces list;
  (void)sys_.request(list);
  if (interface.empty()) {
    for (const InterfaceInfo& i : list.interfaces)
      if (interface.empty() && (i.flags & if_flag::up) && !(i.flags & if_flag::loopback))
        interface = i.name;
    if (interface.empty()) interface = "lo0";
  }
  // lo0 and tunnels have packets without a link header.
  bool loopback =
      std::any_of(list.interfaces.begin(), list.interfaces.end(),
                  [&](const InterfaceInfo& i) { return i.name == interface && !i.mac; });
  const auto compiled =
      PacketFilter::compile(filter_, loopback ? LinkType::null : LinkType::ethernet);
  if (!compiled.error.empty()) {
    co_await sys_.complain(compiled.error);
    co_return 1;
  }
  sys_.catch_signals();
  const Fd bpf = co_await sys_.socket(Af::link, SocketType::raw).or_err(1, "bpf");
  const auto octets = [](const std::string& s) {
    OptionValue value;
    value.octets.assign(s.begin(), s.end());
    return value;
  };
  const int64_t snaplen =
      std::max<int64_t>(parse_int(options_.value('s', "262144")).value_or(0), 0);
  OptionValue number;
  number.number = snaplen ? snaplen : 262144;
  co_await sys_.set_option(bpf, SocketOption::bpf_filter, octets(filter_)).or_err(1, "filter");
  co_await sys_.set_option(bpf, SocketOption::bpf_snaplen, number).or_err(1, "snaplen");
  number.number = !options_.has('p');
  co_await sys_.set_option(bpf, SocketOption::bpf_promiscuous, number).or_err(1, "promiscuous");
  const auto opened = co_await sys_.set_option(bpf, SocketOption::bpf_interface, octets(interface));
  if (!opened) {
    co_await sys_.complain(text("{}: No such device exists (BIOCSETIF failed: {})", interface,
                                errno_text(opened.error())));
    co_return 1;
  }
  // ipfw0 has frames, and no address (BIOCGDLT).
  const auto type = co_await sys_.get_option(bpf, SocketOption::bpf_interface);
  if (type) loopback = type->number == 0;
  if (options_.has('w')) {
    file_ = CaptureFile::to_memory(saved_, true);
    file_->add_interface(interface, loopback ? LinkType::null : LinkType::ethernet,
                         uint32_t(number.number ? 262144 : snaplen));
    const std::string path = options_.value('w');
    if (path != "-") out_ = co_await sys_.open(path, OpenMode::write).or_err(1, path);
    co_await save();
  } else if (!options_.has('v')) {
    co_await sys_.print_error(
        "tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n");
  }
  co_await sys_.print_error(text("listening on {}, link-type {}, snapshot length {} bytes\n",
                                 interface, loopback ? "NULL (BSD loopback)" : "EN10MB (Ethernet)",
                                 snaplen ? snaplen : 262144));
  const int64_t count = parse_int(options_.value('c', "0")).value_or(0);
  while (count == 0 || shown_ < count) {
    const Result<Received> frame = co_await sys_.receive(bpf, 0);
    if (!frame) {
      if (frame.error() == Errno::enxio) co_await sys_.complain("The interface disappeared");
      break;
    }
    co_await show(*frame, !loopback);
  }
  co_return co_await finish();
}

// Reads what -w wrote: classic pcap with nanoseconds.
Task<int> Tcpdump::from_file(std::string path) {
  const Result<std::string> content = co_await sys_.read_file(path);
  if (!content) {
    co_await sys_.complain(text("{}: {}", path, errno_text(content.error())));
    co_return 1;
  }
  const auto word = [&](size_t at) {
    uint32_t value = 0;
    std::memcpy(&value, content->data() + at, 4);
    return value;
  };
  if (content->size() < 24 || word(0) != 0xa1b23c4d) {
    co_await sys_.complain("unknown file format");
    co_return 1;
  }
  const bool ethernet = word(20) == uint32_t(LinkType::ethernet);
  auto compiled = PacketFilter::compile(filter_, ethernet ? LinkType::ethernet : LinkType::null);
  if (!compiled.error.empty()) {
    co_await sys_.complain(compiled.error);
    co_return 1;
  }
  co_await sys_.print_error(text("reading from file {}, link-type {}\n", path,
                                 ethernet ? "EN10MB (Ethernet)" : "NULL (BSD loopback)"));
  const int64_t count = parse_int(options_.value('c', "0")).value_or(0);
  for (size_t at = 24; at + 16 <= content->size() && (count == 0 || shown_ < count);) {
    Received frame;
    frame.time = SimTime(int64_t(word(at)) * 1'000'000'000 + word(at + 4));
    const size_t kept = word(at + 8);
    frame.length = word(at + 12);
    at += 16;
    if (kept > content->size() - at) break;
    frame.octets.assign(content->begin() + long(at), content->begin() + long(at + kept));
    at += kept;
    if (compiled.filter.matches(frame.octets, uint32_t(frame.length)))
      co_await show(frame, ethernet);
  }
  co_return 0;
}

Task<int> tcpdump(Sys& sys, Args args) {
  // Long options change nothing here: everything is immediate.
  std::erase(args, "--immediate-mode");
  const Options options(args, "c:ei:lnpqr:s:tUvw:xX");
  if (!options.error().empty())
    co_return co_await bad_usage(sys, tcpdump_command, options.error(), 1);
  Tcpdump run(sys, options, join(options.rest(), " "));
  if (options.has('r')) co_return co_await run.from_file(options.value('r'));
  co_return co_await run.live();
}

}  // namespace

const Command tcpdump_command{.name = "tcpdump",
                              .synopsis =
                                  "tcpdump [-elnpqtUvxX] [-c count] [-i interface]\n"
                                  "[-r file] [-s snaplen] [-w file] [expression]",
                              .run = tcpdump};

}  // namespace stackyard
