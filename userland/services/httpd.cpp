// userland/services/httpd.cpp - a small web server of our own: files of a folder, by HTTP/1.1 (RFC
// 9110, 9112). GET and HEAD; a connection for each request; one process for each connection.
#include <algorithm>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

constexpr size_t request_max = 8192;

std::string type_of(const std::string& path) {
  constexpr std::pair<std::string_view, std::string_view> types[] = {{".html", "text/html"},
                                                                     {".txt", "text/plain"},
                                                                     {".css", "text/css"},
                                                                     {".json", "application/json"},
                                                                     {".png", "image/png"}};
  for (const auto& [end, type] : types)
    if (path.ends_with(end)) return std::string(type);
  return path.find('.') == path.npos ? "text/plain" : "application/octet-stream";
}

std::string answer_head(int status, const std::string& reason, const std::string& type,
                        size_t length) {
  return text(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: "
      "close\r\n\r\n",
      status, reason, type, length);
}

std::string refusal(int status, const std::string& reason) {
  const std::string body = text("{} {}\n", status, reason);
  return answer_head(status, reason, "text/plain", body.size()) + body;
}

Task<std::string> answer_to(Sys& sys, const std::string& folder, std::string line) {
  const std::vector<std::string> words = split_words(line);
  if (words.size() < 2) co_return refusal(400, "Bad Request");
  const bool head_only = words[0] == "HEAD";
  if (words[0] != "GET" && !head_only) co_return refusal(501, "Not Implemented");
  std::string path = words[1].substr(0, words[1].find('?'));
  // Nothing outside of the folder.
  if (!path.starts_with('/') || path.find("/..") != path.npos) co_return refusal(403, "Forbidden");
  if (path.ends_with('/')) path += "index.html";
  const std::string name = folder + path;
  const Result<std::string> content = co_await sys.read_file(name);
  if (!content) co_return refusal(404, "Not Found");
  std::string answer = answer_head(200, "OK", type_of(path), content->size());
  if (!head_only) answer += *content;
  co_return answer;
}

// On the standard streams, as a service of inetd(8) has them.
Task<int> serve(Sys& sys, std::string folder) {
  std::string request;
  while (request.find("\r\n\r\n") == request.npos && request.find("\n\n") == request.npos) {
    const Result<std::string> block = co_await sys.read(fd_in, 4096);
    if (!block || block->empty() || request.size() > request_max) co_return 1;
    request += *block;
  }
  const std::string line(trim(std::string_view(request).substr(0, request.find('\n'))));
  const std::string answer = co_await answer_to(sys, folder, line);
  co_await sys.print(answer);
  co_return 0;
}

Task<int> httpd(Sys& sys, Args args) {
  const Options options(args, "d:fp:");
  const auto port = parse_int(options.value('p', "80"));
  if (!options.error().empty() || !options.rest().empty() || !port || *port < 1 || *port > 65535)
    co_return co_await bad_usage(sys, httpd_command, options.error());
  std::string folder = options.value('d', "/usr/local/www");
  if (!folder.starts_with('/')) folder = sys.folder() + "/" + folder;
  // One socket for both families.
  const Fd listener = co_await sys.socket(Af::inet6, SocketType::stream).or_err(1, "socket");
  co_await sys.set_option(listener, SocketOption::so_reuseaddr, 1).or_err(1, "setsockopt");
  co_await sys.set_option(listener, SocketOption::ipv6_v6only, 0).or_err(1, "setsockopt");
  SockAddr at;
  at.address = Ipv6Address();
  at.port = uint16_t(*port);
  co_await sys.bind(listener, at).or_err(1, "bind");
  co_await sys.listen(listener, -1).or_err(1, "listen");
  if (!options.has('f')) co_await sys.daemon().or_err(1, "daemon");
  sys.set_signal(Signal::chld, SignalAction::catch_it);
  for (;;) {
    for (;;) {
      const auto ended = co_await sys.wait(0, WaitMode::look);
      if (!ended || ended->first == 0) break;
    }
    while (sys.take_signal()) {
    }
    const Result<Accepted> caller = co_await sys.accept(listener);
    if (!caller && caller.error() != Errno::eintr) co_return 1;
    if (!caller) continue;
    SpawnRequest request{.args = {"httpd"}, .program = {}, .descriptors = {}};
    request.program = [folder](Sys& child, Args) -> Task<int> {
      co_return co_await serve(child, folder);
    };
    for (Fd fd : {fd_in, fd_out}) request.descriptors.emplace_back(fd, caller->fd);
    (void)co_await sys.spawn(request);
    co_await sys.close(caller->fd);
  }
}

}  // namespace

const Command httpd_command{
    .name = "httpd", .synopsis = "httpd [-f] [-d folder] [-p port]", .run = httpd};

}  // namespace stackyard
