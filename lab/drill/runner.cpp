#include "lab/drill/runner.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/base/text.h"
#include "core/wire/transport/tcp.h"
#include "lab/drill/calls.h"
#include "lab/drill/code.h"
#include "lab/drill/parser.h"

namespace stackyard::drill {

namespace {

constexpr SimTime patience = 3600_s;  // for what has no time of its own

std::string seconds(SimTime t) {
  const int64_t us = std::max<int64_t>(t.us(), 0);
  return text("{}.{:06}", us / 1'000'000, us % 1'000'000);
}

class Runner {
 public:
  Runner(const Script& script, const Settings& settings, const std::string& folder,
         Outcome& outcome)
      : script_(script),
        settings_(settings),
        folder_(folder),
        outcome_(outcome),
        world_(settings),
        calls_(world_, settings_, connection_) {}
  ~Runner();
  void run();

 private:
  SimTime tolerance(SimTime expected) const;
  void wait_for(const Event& event);
  void check_time(const Moment& moment, SimTime actual, const char* what, int line) const;
  void step(Event event);
  void inject(const PacketSpec& packet, int line);
  void expect(const PacketSpec& packet, const Moment& moment, int line);
  std::optional<Heard> next_of_connection(SimTime limit, SimTime& when);
  void say_unasked();
  bool belongs(Heard& heard);
  void learn_from_script(const PacketSpec& packet, int line);
  void call(const CallSpec& call, const Moment& moment, int line);
  void settle_call();
  void command(const std::string& line, int number);
  void code(const CodeSpec& code, int line);
  void init_scripts();
  void say(const char* what, SimTime when, const PacketSpec& packet);
  void complain(int line, const std::string& what, bool forgiven);

  const Script& script_;
  const Settings& settings_;
  const std::string& folder_;
  Outcome& outcome_;
  World world_;
  Connection connection_;
  Calls calls_;
  CodeWorld code_;
  uint16_t next_port_ = 49152;  // of the peer
  SimTime last_;
  bool pending_ = false;  // a call that blocks
  std::optional<Moment> pending_end_;
};

// --- time --------------------------------------------------------------------------------------

SimTime Runner::tolerance(SimTime expected) const {
  const SimTime share = (expected - last_) * settings_.tolerance_percent / 100;
  return std::max(settings_.tolerance, share);
}

void Runner::check_time(const Moment& moment, SimTime actual, const char* what, int line) const {
  using Kind = Moment::Kind;
  if (moment.kind == Kind::any) return;
  const bool range = moment.kind == Kind::absolute_range || moment.kind == Kind::relative_range;
  const SimTime end = range ? moment.end : moment.at;
  if (actual + tolerance(moment.at) >= moment.at && actual <= end + tolerance(end)) return;
  const std::string expected =
      range ? text("in time range {}~{}", seconds(moment.at), seconds(moment.end))
            : "at " + seconds(moment.at);
  throw Failure{line, text("timing error: expected {} {} sec but happened at {} sec", what,
                           expected, seconds(actual))};
}

void Runner::wait_for(const Event& event) {
  world_.run_to(event.time.at);
  check_time(event.time, world_.now(), "event", event.line);
}

// --- packets -----------------------------------------------------------------------------------

void Runner::say(const char* what, SimTime when, const PacketSpec& packet) {
  if (settings_.verbose)
    outcome_.said += text("{} packet: {} {}\n", what, seconds(when), to_text(packet));
}

void Runner::complain(int line, const std::string& what, bool forgiven) {
  if (!forgiven) throw Failure{line, what};
  outcome_.said += text("{}: warning: {}\n", line, what);
}

// What a packet of the script says about the conversation, before it happens.
void Runner::learn_from_script(const PacketSpec& packet, int line) {
  using State = Connection::State;
  Connection& c = connection_;
  const bool tcp = packet.protocol == PacketSpec::Protocol::tcp;
  const bool syn = tcp && packet.tcp.flags & tcp_flag::syn;
  const bool ack = tcp && packet.tcp.flags & tcp_flag::ack;
  // A SYN from another port begins another conversation.
  const bool other = syn && !ack && packet.source_port && packet.source_port != c.remote_port;
  const bool fresh = c.state == State::none || c.state == State::listening || other;
  if (!packet.outbound && tcp && fresh) {
    const uint16_t local_port = c.local_port ? c.local_port : settings_.bind_port;
    c = {};
    c.state = State::received;
    c.local = world_.places().local;
    c.remote = world_.places().remote.address;
    c.local_port = packet.dest_port ? packet.dest_port : local_port;
    c.remote_port = packet.source_port ? packet.source_port : next_port_++;
    c.remote_isn = packet.tcp.absolute ? 0 : packet.tcp.sequence;
  } else if (!packet.outbound && syn && c.state == State::syn_sent) {
    c.remote_isn = packet.tcp.sequence;
  } else if (packet.outbound && syn && !ack && c.state == State::connecting) {
    c.state = State::syn_sent;
    c.script_isn = packet.tcp.sequence;
  } else if (packet.outbound && syn && ack && c.state == State::received) {
    c.script_isn = packet.tcp.sequence;
  }
  if (c.state == State::none || c.state == State::listening)
    throw Failure{line, "no matching socket for script packet"};
}

void Runner::inject(const PacketSpec& packet, int line) {
  learn_from_script(packet, line);
  say("injected", world_.now(), packet);
  world_.inject(build_packet(packet, connection_, settings_, line));
}

// Whether it is of the conversation; its first packet tells our end.
bool Runner::belongs(Heard& heard) {
  Connection& c = connection_;
  if (c.protocol == 6 && heard.segment) heard.packet = *heard.segment;
  const PacketSpec& p = heard.packet;
  const bool ends = heard.source == c.local && heard.dest == c.remote;
  if (p.protocol == PacketSpec::Protocol::icmp) return ends;
  const uint8_t protocol = p.protocol == PacketSpec::Protocol::tcp ? 6 : 17;
  if (protocol != c.protocol || !ends || p.dest_port != c.remote_port) return false;
  const bool syn = p.tcp.flags & tcp_flag::syn;
  if (c.state == Connection::State::syn_sent && syn && c.local_port == 0) {
    c.local_port = p.source_port;
    c.live_isn = p.tcp.sequence;
  }
  return p.source_port == c.local_port;
}

std::optional<Heard> Runner::next_of_connection(SimTime limit, SimTime& when) {
  for (;;) {
    world_.wait_for_packet(limit);
    if (world_.sniffed().empty()) return std::nullopt;
    const Sniffed sniffed = std::move(world_.sniffed().front());
    world_.sniffed().pop_front();
    std::optional<Heard> heard = parse_packet(sniffed.octets);
    if (!heard || !belongs(*heard)) continue;
    when = sniffed.time;
    return heard;
  }
}

void Runner::expect(const PacketSpec& packet, const Moment& moment, int line) {
  learn_from_script(packet, line);
  SimTime when;
  const SimTime limit = std::max({world_.now(), moment.at, moment.end}) + patience;
  std::optional<Heard> heard = next_of_connection(limit, when);
  const std::string script = text("\nscript packet: {} {}", seconds(moment.at), to_text(packet));
  if (!heard) throw Failure{line, "nothing was sent" + script};
  if (connection_.state == Connection::State::received && packet.tcp.flags & tcp_flag::syn &&
      heard->packet.tcp.flags & tcp_flag::syn) {
    connection_.state = Connection::State::open;
    connection_.live_isn = heard->packet.tcp.sequence;
  }
  PacketSpec actual = translate(*heard, packet, connection_);
  say("sniffed", when, actual);
  // A segment that is larger than the link takes stands for those that it is cut into.
  TcpSpec& tcp = actual.tcp;
  const bool cut = packet.protocol == PacketSpec::Protocol::tcp && !settings_.strict_segments &&
                   packet.tcp.length > settings_.mtu;
  while (cut && tcp.length < packet.tcp.length) {
    heard = next_of_connection(limit, when);
    if (!heard) break;
    const PacketSpec more = translate(*heard, packet, connection_);
    if (more.tcp.sequence != tcp.sequence + tcp.length) break;
    tcp.length += more.tcp.length;
    tcp.flags |= more.tcp.flags;
    tcp.ack = more.tcp.ack;
    tcp.window = more.tcp.window;
    tcp.options = more.tcp.options;
  }
  const std::string both = script + text("\nactual packet: {} {}", seconds(when), to_text(actual));
  const std::string wrong = difference(packet, actual, connection_, settings_, line);
  if (!wrong.empty()) return complain(line, wrong + both, settings_.forgive_packets);
  try {
    check_time(moment, when, "outbound packet", line);
  } catch (const Failure& late) {
    complain(line, late.what + both, settings_.forgive_packets);
  }
}

// --- calls, commands, code ---------------------------------------------------------------------

// A call that blocked and has come back is judged.
void Runner::settle_call() {
  if (!pending_ || world_.calling()) return;
  pending_ = false;
  const std::string wrong = calls_.verdict();
  if (!wrong.empty()) complain(calls_.line(), wrong, settings_.forgive_calls);
  if (pending_end_)
    check_time(*pending_end_, world_.call_ended(), "system call return", calls_.line());
}

void Runner::call(const CallSpec& call, const Moment& moment, int line) {
  if (pending_ && !world_.finish_call(world_.now() + patience))
    throw Failure{calls_.line(), "the call does not return"};
  settle_call();
  const bool relative = moment.kind == Moment::Kind::relative;
  pending_end_.reset();
  if (call.end) {
    pending_end_.emplace();
    pending_end_->at = relative ? last_ + *call.end : *call.end;
  }
  pending_ = true;
  // One that may block is left alone as soon as it does.
  const SimTime limit = world_.now() + (call.end ? 50_us : patience);
  if (!calls_.start(call, line, limit) && !call.end)
    throw Failure{line, call.name + " does not return"};
  settle_call();
}

void Runner::command(const std::string& line, int number) {
  std::string output;
  const int status = world_.run_command(line, output);
  if (status == 0) {
    if (settings_.verbose) outcome_.said += output;
    return;
  }
  const std::string told(trim(output));
  if (status == 127) throw Skip{number, text("`{}`: {}", line, told)};
  for (std::string_view other : {"net.ipv4.", "net.ipv6.", "net.core.", "net.mptcp."})
    if (line.find(other) != line.npos)
      throw Skip{number, text("`{}` sets another system's sysctl", line)};
  for (std::string_view more : {"kldload", "functions_default"})
    if (line.find(more) != line.npos)
      throw Skip{number, text("`{}` wants what is not in this build", line)};
  throw Failure{number,
                text("`{}` ends with {}{}{}", line, status, told.empty() ? "" : ": ", told)};
}

void Runner::code(const CodeSpec& code, int line) {
  if (calls_.latest()) {
    const auto file = world_.process().file(*calls_.latest());
    if (file && (*file)->socket()) {
      const auto info = (*file)->socket()->get_option(SocketOption::tcp_info);
      if (info)
        for (const auto& [name, value] : tcp_info_values(*info)) code_.set(name, value);
    }
  }
  code_.run(code.text, line);
}

void Runner::init_scripts() {
  for (const std::string& name : settings_.init_scripts) {
    const std::string path = name.starts_with("/") || folder_.empty() ? name : folder_ + "/" + name;
    std::ifstream file(path);
    if (!file) throw Failure{1, "no such init script: " + path};
    std::stringstream content;
    content << file.rdbuf();
    command(content.str(), 1);
  }
}

void Runner::step(Event event) {
  using Kind = Moment::Kind;
  Moment& time = event.time;
  const bool absolute = time.kind == Kind::absolute || time.kind == Kind::absolute_range;
  last_ = world_.now();
  // Relative times count from the moment when the event before has come to its end.
  if (!absolute) {
    time.at += last_;
    time.end += last_;
  }
  if (const auto* packet = std::get_if<PacketSpec>(&event.action)) {
    if (packet->outbound) return expect(*packet, time, event.line);
    wait_for(event);
    return inject(*packet, event.line);
  }
  wait_for(event);
  if (const auto* made = std::get_if<CallSpec>(&event.action)) return call(*made, time, event.line);
  if (const auto* line = std::get_if<CommandSpec>(&event.action))
    return command(line->line, event.line);
  code(std::get<CodeSpec>(event.action), event.line);
}

void Runner::run() {
  init_scripts();
  if (script_.init) command(script_.init->line, 1);
  for (const Event& event : script_.events) {
    settle_call();
    step(event);
  }
  if (pending_ && !world_.finish_call(world_.now() + patience))
    throw Failure{calls_.line(), "the call does not return"};
  settle_call();
  if (script_.cleanup) {
    std::string output;
    (void)world_.run_command(script_.cleanup->line, output);
  }
  outcome_.said += code_.printed();
}

// What was sent behind the last expectation.
void Runner::say_unasked() {
  SimTime when;
  while (std::optional<Heard> heard = next_of_connection(world_.now(), when))
    say("unasked", when, translate(*heard, {}, connection_));
}

Runner::~Runner() {
  if (settings_.verbose) say_unasked();
  outcome_.said += world_.trace_text();
}

}  // namespace

Outcome run_script(const std::string& script, const std::string& folder, Settings settings) {
  Outcome outcome;
  try {
    // What its numbers depend on is known to its words: OUR_MSS, and IPV6 for #ifdef.
    if (script.find("--ip_version=ipv6") != script.npos) settings.version = Settings::Version::ipv6;
    if (script.find("--ip_version=ipv4") != script.npos) settings.version = Settings::Version::ipv4;
    Definitions known = settings.definitions;
    known["OUR_MSS"] = settings.wire_is_v6() ? "1440" : "1460";
    if (settings.wire_is_v6()) known["IPV6"] = "1";
    const Script parsed = parse_script(script, known);
    for (const ScriptOption& option : parsed.options) {
      const std::string wrong = apply_setting(settings, option.name, option.value);
      if (!wrong.empty()) throw Failure{option.line, wrong};
    }
    if (!settings.dry_run) Runner(parsed, settings, folder, outcome).run();
  } catch (const Failure& failure) {
    outcome.kind = Outcome::Kind::failed;
    outcome.line = failure.line;
    outcome.reason = failure.what;
  } catch (const Skip& skip) {
    outcome.kind = Outcome::Kind::skipped;
    outcome.line = skip.line;
    outcome.reason = skip.why;
  }
  return outcome;
}

}  // namespace stackyard::drill
