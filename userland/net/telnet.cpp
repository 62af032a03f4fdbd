// userland/net/telnet.cpp - telnet(1): a network virtual terminal (RFC 854).
//
// It refuses every option (RFC 855), so it speaks as a plain terminal does: line by line, echoed
// here. The escape character's commands are close, quit, send, status and help. Missing: options,
// environment, authentication, the urgent Synch.
#include <algorithm>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"
#include "userland/lib/services.h"

namespace stackyard {

namespace {

using Octets = std::vector<uint8_t>;

// RFC 854, page 14.
namespace telnet_code {
constexpr uint8_t se = 240, nop = 241, break_ = 243, interrupt = 244, abort_output = 245,
                  are_you_there = 246, erase_character = 247, erase_line = 248, go_ahead = 249,
                  sb = 250, will = 251, wont = 252, do_ = 253, dont = 254, iac = 255;
}

constexpr char escape = 0x1d;  // ^]

// What comes from the network: text for the terminal, and answers to requests.
class Decoder {
 public:
  // Takes octets as they come, in any pieces.
  void take(Bytes octets) {
    for (const uint8_t octet : octets) take(octet);
  }
  std::string take_text() { return std::exchange(text_, {}); }
  Octets take_answers() { return std::exchange(answers_, {}); }

 private:
  enum class State : uint8_t { data, after_cr, command, option, subnegotiation, sub_command };

  void take(uint8_t octet) {
    switch (state_) {
      case State::data:
      case State::after_cr:
        return data(octet);
      case State::command:
        return command(octet);
      case State::option:
        state_ = State::data;
        // Asked for an option, it says no; told that there is none, it has nothing to say.
        if (verb_ == telnet_code::do_) refuse(telnet_code::wont, octet);
        if (verb_ == telnet_code::will) refuse(telnet_code::dont, octet);
        return;
      case State::subnegotiation:
        if (octet == telnet_code::iac) state_ = State::sub_command;
        return;
      case State::sub_command:
        state_ = octet == telnet_code::se ? State::data : State::subnegotiation;
        return;
    }
  }
  void data(uint8_t octet) {
    const bool after_cr = state_ == State::after_cr;
    state_ = State::data;
    if (octet == telnet_code::iac) {
      state_ = State::command;
      if (after_cr) text_ += '\r';
    } else if (octet == '\r') {
      if (after_cr) text_ += '\r';
      state_ = State::after_cr;
    } else if (after_cr) {
      // CR LF is the end of a line, CR NUL a carriage return (RFC 854, page 11).
      if (octet != '\n') text_ += '\r';
      if (octet != 0) text_ += char(octet);
    } else {
      text_ += char(octet);
    }
  }
  void command(uint8_t octet) {
    state_ = State::data;
    if (octet == telnet_code::iac) {
      text_ += char(octet);
    } else if (octet >= telnet_code::will) {
      verb_ = octet;
      state_ = State::option;
    } else if (octet == telnet_code::sb) {
      state_ = State::subnegotiation;
    }
  }
  void refuse(uint8_t verb, uint8_t option) {
    answers_.insert(answers_.end(), {telnet_code::iac, verb, option});
  }

  State state_ = State::data;
  uint8_t verb_ = 0;
  std::string text_;
  Octets answers_;
};

// A line of the terminal as the network has it.
Octets encoded(std::string_view words) {
  Octets octets;
  for (const char c : words) {
    if (c == '\n') octets.push_back('\r');
    octets.push_back(uint8_t(c));
    if (uint8_t(c) == telnet_code::iac) octets.push_back(telnet_code::iac);
    if (c == '\r') octets.push_back(0);
  }
  return octets;
}

struct Special {
  const char* name;
  uint8_t code;
  const char* help;
};
constexpr Special specials[] = {{"ao", telnet_code::abort_output, "Send Telnet Abort output"},
                                {"ayt", telnet_code::are_you_there, "Send Telnet 'Are You There'"},
                                {"brk", telnet_code::break_, "Send Telnet Break"},
                                {"ec", telnet_code::erase_character, "Send Telnet Erase Character"},
                                {"el", telnet_code::erase_line, "Send Telnet Erase Line"},
                                {"ga", telnet_code::go_ahead, "Send Telnet 'Go Ahead' sequence"},
                                {"ip", telnet_code::interrupt, "Send Telnet Interrupt Process"},
                                {"nop", telnet_code::nop, "Send Telnet 'No operation'"}};

constexpr const char* help_text =
    "Commands may be abbreviated.  Commands are:\n\n"
    "close   \tclose current connection\n"
    "quit    \texit telnet\n"
    "send    \ttransmit special characters ('send ?' for more)\n"
    "status  \tprint status information\n"
    "?       \tprint help information\n";

class Terminal {
 public:
  Terminal(Sys& sys, Fd socket, std::string host)
      : sys_(sys), socket_(socket), host_(std::move(host)) {}
  Task<int> run();

 private:
  Task<bool> from_network();
  Task<bool> from_keyboard();
  Task<bool> command(std::string line);
  Task<void> send_special(std::string name);

  Sys& sys_;
  Fd socket_;
  std::string host_;
  Decoder decoder_;
  bool commanding_ = false;  // behind the escape character
  std::string line_;         // of a command, until its end
};

// False: the other side has closed.
Task<bool> Terminal::from_network() {
  const Result<std::string> got = co_await sys_.read(socket_, 4096);
  if (!got || got->empty()) co_return false;
  decoder_.take(bytes_of(*got));
  const std::string words = decoder_.take_text();
  if (!words.empty()) co_await sys_.print(words);
  const Octets answers = decoder_.take_answers();
  if (!answers.empty()) (void)co_await sys_.send(socket_, answers);
  co_return true;
}

// False: it is to end.
Task<bool> Terminal::from_keyboard() {
  const Result<std::string> got = co_await sys_.read(fd_in, 4096);
  if (!got || got->empty()) co_return false;
  std::string_view rest = *got;
  while (!rest.empty()) {
    if (!commanding_) {
      const size_t end = std::min(rest.find(escape), rest.size());
      const Octets octets = encoded(rest.substr(0, end));
      if (!octets.empty()) (void)co_await sys_.send(socket_, octets);
      rest.remove_prefix(end);
      if (rest.empty()) break;
      rest.remove_prefix(1);
      // Of a terminal that passes whole lines, the escape's own end of line is no command.
      if (rest == "\n") rest = {};
      commanding_ = true;
      co_await sys_.print("\ntelnet> ");
      continue;
    }
    const size_t end = rest.find('\n');
    line_ += rest.substr(0, end);
    rest.remove_prefix(std::min(end, rest.size() - 1) + 1);
    if (end == rest.npos) break;
    commanding_ = false;
    const std::string line = std::exchange(line_, {});
    if (!co_await command(line)) co_return false;
  }
  co_return true;
}

Task<void> Terminal::send_special(std::string name) {
  for (const Special& special : specials) {
    if (name == "?") co_await sys_.print(text("{:<8}\t{}\n", special.name, special.help));
    if (name != special.name) continue;
    const Octets octets{telnet_code::iac, special.code};
    (void)co_await sys_.send(socket_, octets);
    co_return;
  }
  if (name == "escape") {
    const Octets octets(1, uint8_t(escape));
    (void)co_await sys_.send(socket_, octets);
  } else if (name != "?") {
    co_await sys_.print(text("Unknown send argument '{}'\n'send ?' for help.\n", name));
  }
}

// False: it was close or quit.
Task<bool> Terminal::command(std::string line) {
  const std::vector<std::string> words = split_words(line);
  if (words.empty()) co_return true;
  const std::string what = words.size() > 1 ? words[1] : "?";
  const auto is = [&](std::string_view name) { return name.starts_with(words[0]); };
  if (is("close") || is("quit")) co_return false;
  if (is("status"))
    co_await sys_.print(
        text("Connected to {}.\nOperating in obsolete linemode\n"
             "Local character echo\nEscape character is '^]'.\n",
             host_));
  else if (is("send"))
    co_await send_special(what);
  else if (words[0] == "?" || is("help"))
    co_await sys_.print(help_text);
  else
    co_await sys_.print("?Invalid command\n");
  co_return true;
}

Task<int> Terminal::run() {
  for (;;) {
    const std::vector<PollItem> items{{.fd = socket_, .ready = {}}, {.fd = fd_in, .ready = {}}};
    const auto ready = co_await sys_.poll(items, SimTime(-1));
    if (!ready) co_return 1;
    if ((*ready)[0].ready.readable && !co_await from_network()) {
      co_await sys_.print_error("Connection closed by foreign host.\n");
      co_return 1;
    }
    if ((*ready)[1].ready.readable && !co_await from_keyboard()) break;
  }
  co_await sys_.print("Connection closed.\n");
  co_return 0;
}

Task<int> telnet(Sys& sys, Args args) {
  const Options options(args, "468EKLs:");
  const auto& rest = options.rest();
  if (!options.error().empty() || rest.empty() || rest.size() > 2)
    co_return co_await bad_usage(sys, telnet_command, options.error(), 1);
  const Af family = options.has('4') ? Af::inet : options.has('6') ? Af::inet6 : Af::unspecified;
  const std::string service = rest.size() > 1 ? rest[1] : "23";
  const auto port = co_await service_port(sys, service, "tcp");
  if (!port) {
    co_await sys.print_error(text("tcp/{}: unknown service\n", service));
    co_return 1;
  }
  const std::vector<SockAddr> addresses = sys.resolve(rest[0], family);
  if (addresses.empty()) {
    co_await sys.print_error(text("{}: Name does not resolve\n", rest[0]));
    co_return 1;
  }
  sys.set_signal(Signal::pipe, SignalAction::ignore);
  for (SockAddr to : addresses) {
    to.port = *port;
    co_await sys.print(text("Trying {}...\n", to_text(to.address)));
    const Fd socket = co_await sys.socket(to.family(), SocketType::stream).or_err(1, "socket");
    if (options.has('s')) {
      const std::vector<SockAddr> from = sys.resolve(options.value('s'), to.family());
      if (!from.empty()) co_await sys.bind(socket, from[0]).or_err(1, "bind");
    }
    const Result<> done = co_await sys.connect(socket, to);
    if (done) {
      co_await sys.print(text("Connected to {}.\nEscape character is '^]'.\n", rest[0]));
      Terminal terminal(sys, socket, rest[0]);
      co_return co_await terminal.run();
    }
    co_await sys.complain(
        text("connect to address {}: {}", to_text(to.address), errno_text(done.error())));
    co_await sys.close(socket);
  }
  co_await sys.complain("Unable to connect to remote host");
  co_return 1;
}

}  // namespace

const Command telnet_command{
    .name = "telnet", .synopsis = "telnet [-46] [-s src_addr] host [port]", .run = telnet};

}  // namespace stackyard
