// userland/net/fetch.cpp - fetch(1): gets files by HTTP/1.1 (RFC 9112). FTP, TLS and proxies are
// missing.
#include <algorithm>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"
#include "userland/lib/services.h"

namespace stackyard {

namespace {

struct Url {
  std::string host, path, file;
  uint16_t port = 80;
};

std::optional<Url> parse_url(std::string word) {
  if (word.starts_with("http://"))
    word.erase(0, 7);
  else if (word.find("://") != word.npos)
    return std::nullopt;
  Url url;
  const size_t slash = word.find('/');
  url.host = word.substr(0, slash);
  url.path = slash == word.npos ? "/" : word.substr(slash);
  const size_t colon = url.host.rfind(':');
  if (colon != url.host.npos && url.host.find(']', colon) == url.host.npos) {
    const auto port = parse_int(url.host.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return std::nullopt;
    url.port = uint16_t(*port);
    url.host.erase(colon);
  }
  if (url.host.starts_with('[') && url.host.ends_with(']'))
    url.host = url.host.substr(1, url.host.size() - 2);
  url.file = url.path.substr(url.path.rfind('/') + 1);
  if (url.file.empty()) url.file = "fetch.out";
  return url;
}

struct Answer {
  std::string trouble;  // empty: it is here
  std::string body;
};

// What a head says that matters.
struct Head {
  int status = 0;
  std::string reason;
  std::optional<size_t> length;
};

std::optional<Head> parse_head(const std::string& words) {
  const std::vector<std::string> lines = split(words, '\n');
  const std::vector<std::string> first = split_words(lines[0]);
  if (first.size() < 2 || !first[0].starts_with("HTTP/")) return std::nullopt;
  Head head;
  head.status = int(parse_int(first[1]).value_or(0));
  for (size_t i = 2; i < first.size(); ++i) head.reason += (i > 2 ? " " : "") + first[i];
  for (const std::string& line : lines) {
    const size_t colon = line.find(':');
    if (colon == line.npos) continue;
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return char(c >= 'A' && c <= 'Z' ? c + 32 : c); });
    const auto number = parse_int(trim(std::string_view(line).substr(colon + 1)));
    if (name == "content-length" && number && *number >= 0) head.length = size_t(*number);
  }
  return head;
}

// The first address that answers.
Task<Result<Fd>> connect_to(Sys& sys, const Url& url) {
  Result<Fd> connected = Errno::ehostunreach;
  for (SockAddr to : sys.resolve(url.host, Af::unspecified)) {
    to.port = url.port;
    const Result<Fd> fd = co_await sys.socket(to.family(), SocketType::stream);
    if (!fd) continue;
    const Result<> done = co_await sys.connect(*fd, to);
    if (done) co_return *fd;
    connected = done.error();
    co_await sys.close(*fd);
  }
  co_return connected;
}

Task<Answer> get(Sys& sys, const Url& url) {
  Answer answer;
  if (sys.resolve(url.host, Af::unspecified).empty()) {
    answer.trouble = "No address record";
    co_return answer;
  }
  const Result<Fd> fd = co_await connect_to(sys, url);
  if (!fd) {
    answer.trouble = errno_text(fd.error());
    co_return answer;
  }
  const std::string request = text(
      "GET {} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\nUser-Agent: fetch libfetch/2.0\r\n"
      "Connection: close\r\n\r\n",
      url.path, url.host);
  const std::vector<uint8_t> octets(request.begin(), request.end());
  (void)co_await sys.send(*fd, octets);
  std::string got;
  std::optional<Head> head;
  for (;;) {
    const Result<std::string> block = co_await sys.read(*fd, 65536);
    if (!block) answer.trouble = errno_text(block.error());
    if (!block || block->empty()) break;
    got += *block;
    const size_t end = head ? got.npos : got.find("\r\n\r\n");
    if (end != got.npos) {
      head = parse_head(got.substr(0, end));
      if (!head) break;
      got.erase(0, end + 4);
    }
    if (head && head->length && got.size() >= *head->length) break;
  }
  co_await sys.close(*fd);
  if (!answer.trouble.empty()) co_return answer;
  if (!head)
    answer.trouble = "Protocol error";
  else if (head->status != 200)
    answer.trouble = head->reason.empty() ? text("HTTP {}", head->status) : head->reason;
  else if (head->length && got.size() < *head->length)
    answer.trouble =
        text("transfer truncated: expected {} bytes, got {}", *head->length, got.size());
  answer.body = std::move(got);
  co_return answer;
}

// "  12 kB", as fetch(1)'s last line has sizes.
std::string size_text(uint64_t octets) {
  constexpr char units[] = " kMGTP";
  size_t unit = 0;
  while (octets > 9999 && units[unit + 1]) {
    octets /= 1024;
    ++unit;
  }
  return text("{:>4} {}B", octets, units[unit]);
}

Task<bool> fetch_one(Sys& sys, const Options& options, std::string word) {
  const auto url = parse_url(word);
  if (!url) {
    co_await sys.complain(text("{}: No such URL scheme or bad port", word));
    co_return false;
  }
  const SimTime before = sys.now();
  const Answer answer = co_await get(sys, *url);
  if (!answer.trouble.empty()) {
    co_await sys.complain(text("http://{}{}: {}", url->host, url->path, answer.trouble));
    co_return false;
  }
  const std::string name = options.value('o', url->file);
  if (name == "-") {
    co_await sys.print(answer.body);
    co_return true;
  }
  const Fd file = co_await sys.open(name, OpenMode::write).or_err(1, name);
  co_await sys.write(file, answer.body);
  co_await sys.close(file);
  if (options.has('q')) co_return true;
  const int64_t ms = std::max<int64_t>((sys.now() - before).ms(), 1);
  co_await sys.print_error(text("{:<46.46}{} {}ps   {:02}s\n", name, size_text(answer.body.size()),
                                size_text(answer.body.size() * 1000 / uint64_t(ms)), ms / 1000));
  co_return true;
}

Task<int> fetch(Sys& sys, Args args) {
  const Options options(args, "4o:qT:");
  if (!options.error().empty() || options.rest().empty())
    co_return co_await bad_usage(sys, fetch_command, options.error(), 1);
  int status = 0;
  for (const std::string& word : options.rest())
    if (!co_await fetch_one(sys, options, word)) status = 1;
  co_return status;
}

}  // namespace

const Command fetch_command{
    .name = "fetch", .synopsis = "fetch [-q] [-o file] URL ...", .run = fetch};

}  // namespace stackyard
