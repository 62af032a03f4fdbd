#include "stack/sys/sys.h"

#include <array>
#include <cctype>

#include "core/base/text.h"

namespace stackyard {

namespace {
constexpr std::array<std::string_view, signals_max> signal_names = {
    "HUP", "INT",  "QUIT", "ILL",    "TRAP", "ABRT",  "EMT",  "FPE",  "KILL", "BUS",  "SEGV",
    "SYS", "PIPE", "ALRM", "TERM",   "URG",  "STOP",  "TSTP", "CONT", "CHLD", "TTIN", "TTOU",
    "IO",  "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "INFO", "USR1", "USR2"};
}  // namespace

std::string_view signal_name(Signal signal) { return signal_names[size_t(signal) - 1]; }

std::optional<Signal> signal_named(std::string_view name) {
  if (const auto number = parse_int(name)) {
    if (*number < 1 || *number > signals_max) return std::nullopt;
    return Signal(*number);
  }
  std::string upper(name);
  for (char& c : upper) c = char(std::toupper(static_cast<unsigned char>(c)));
  if (upper.starts_with("SIG")) upper.erase(0, 3);
  for (size_t i = 0; i < signal_names.size(); ++i)
    if (upper == signal_names[i]) return Signal(i + 1);
  return std::nullopt;
}

std::string to_text(const SockAddr& address) {
  if (address.family() == Af::local) return address.path.str();
  if (address.address.is_v4()) return text("{}:{}", to_text(address.address), address.port);
  const std::string zone = address.scope ? text("%{}", address.scope) : "";
  return text("[{}{}]:{}", to_text(address.address), zone, address.port);
}

Task<int> Sys::usage(const Command& command, int status) {
  std::string words = "usage: ";
  for (const std::string& line : split(command.synopsis, '\n')) {
    if (words.size() > 7) words += "       ";
    words += line + "\n";
  }
  co_await print_error(words);
  co_return status;
}

Task<Result<std::string>> Sys::read_file(std::string path) {
  const Result<Fd> fd = co_await open(path, OpenMode::read);
  if (!fd) co_return fd.error();
  std::string whole;
  for (;;) {
    Result<std::string> part = co_await read(*fd, 65536);
    if (!part) {
      co_await close(*fd);
      co_return part.error();
    }
    if (part->empty()) break;
    whole += *part;
  }
  co_await close(*fd);
  co_return whole;
}

}  // namespace stackyard
