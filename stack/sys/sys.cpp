#include "stack/sys/sys.h"

#include "core/base/text.h"

namespace stackyard {

std::string to_text(const SockAddr& address) {
  return text("{}:{}", to_text(address.address), address.port);
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
