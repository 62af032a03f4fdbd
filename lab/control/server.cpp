#include "lab/control/server.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/text.h"

namespace stackyard {

namespace {

constexpr size_t unread_max = 8 << 20;  // octets that a client may leave unread
constexpr size_t worker_queue_max = 1 << 20;
constexpr auto half_message_max = std::chrono::seconds(10);

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Json error_of(int code, const std::string& words, const Json& id = nullptr) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", words}}}};
}
constexpr int parse_error = -32700, invalid_request = -32600;

}  // namespace

int listen_at(const std::string& path, std::string& error) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    error = path + ": the path of a socket has at most 107 characters";
    return -1;
  }
  const sockaddr_un address = address_of(path);
  const auto* const where = reinterpret_cast<const sockaddr*>(&address);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct stat old {};
  if (lstat(path.c_str(), &old) == 0) {
    if (!S_ISSOCK(old.st_mode)) {
      error = path + ": there is a file of that name";
    } else if (connect(fd, where, sizeof address) == 0) {
      error = path + ": a lab is served there already";
    } else {
      unlink(path.c_str());  // whoever made it is gone
    }
  }
  const mode_t before = umask(0177);
  if (error.empty() && (bind(fd, where, sizeof address) != 0 || listen(fd, 64) != 0))
    error = path + ": " + std::strerror(errno);
  umask(before);
  if (error.empty()) return fd;
  close(fd);
  return -1;
}

Server::Server(int listener, std::string socket_path, int worker, pid_t worker_pid,
               const std::string& journal)
    : listener_(listener),
      path_(std::move(socket_path)),
      worker_(worker),
      processes_(path_, {getpid(), worker_pid}) {
  if (!journal.empty()) journal_.open(journal, std::ios::binary);
}

Server::~Server() {
  close(listener_);
  unlink(path_.c_str());
}

void Server::run() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&wanted, number);
  sigprocmask(SIG_BLOCK, &wanted, nullptr);
  const int signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  while (!ended_) {
    std::vector<pollfd> items{{signals, POLLIN, 0},
                              {worker_.fd(), short(POLLIN | (worker_.unsent() ? POLLOUT : 0)), 0},
                              {listener_, POLLIN, 0}};
    // Clients wait while the worker has more to read than it likes.
    const short read = worker_.unsent() < worker_queue_max ? POLLIN : 0;
    for (const auto& [id, client] : clients_)
      items.push_back(
          {client->channel.fd(), short(read | (client->channel.unsent() ? POLLOUT : 0)), 0});
    poll(items.data(), nfds_t(items.size()), wait_time());
    signalfd_siginfo got;
    if (::read(signals, &got, sizeof got) == sizeof got)
      to_worker(0, {{"method", "supervisor.stop"}});
    worker_.flush();
    read_worker();
    size_t at = 3;
    for (auto& [id, client] : clients_) {
      client->channel.flush();
      if (items[at++].revents & (POLLIN | POLLHUP | POLLERR)) read_client(id, *client);
    }
    if (items[2].revents) accept_clients();
    remove_cut();
    if (lockstep_ && ready_) keep_lockstep();
  }
  close(signals);
}

int Server::wait_time() const {
  if (lockstep_ && ready_ && !going_ && somebody_waits()) return 1;
  for (const auto& [id, client] : clients_)
    if (client->channel.partial()) return 1000;
  return -1;
}

// --- clients -----------------------------------------------------------------------------------

void Server::accept_clients() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  ucred peer{};
  socklen_t length = sizeof peer;
  getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
  if (peer.uid != geteuid() && peer.uid != 0) {
    close(fd);
    return;
  }
  auto client = std::make_unique<Client>(fd);
  client->pid = peer.pid;
  clients_[++last_client_] = std::move(client);
}

void Server::read_client(uint32_t id, Client& client) {
  const bool there = client.channel.fill();
  while (const auto line = client.channel.next_line()) {
    auto message = parse_message(*line);
    if (!message || !message->is_object()) {
      client.channel.send(error_of(parse_error, "this is not a message"));
      return cut_off(id, "sent garbage");
    }
    const Json number = message->contains("id") ? message->at("id") : Json();
    try {
      from_client(id, client, std::move(*message));
    } catch (const Json::exception& wrong) {
      client.channel.send(error_of(invalid_request, wrong.what(), number));
    }
  }
  const auto now = Clock::now();
  if (!client.channel.partial()) client.partial_since = {};
  if (client.channel.partial() > Channel::line_max) {
    client.channel.send(error_of(parse_error, "the message is too long"));
    cut_off(id, "sent a message that is too long");
  } else if (!there || client.channel.broken()) {
    cut_off(id, nullptr);
  } else if (client.channel.partial() && client.partial_since == Clock::time_point{}) {
    client.partial_since = now;
  }
}

void Server::from_client(uint32_t id, Client& client, Json message) {
  heard_at_ = Clock::now();
  const std::string method = message.value("method", "");
  if (method.empty() && message.contains("id") && message["id"].is_string()) {
    // The answer to our own question.
    client.synced = uint64_t(parse_int(message["id"].get<std::string>()).value_or(0));
    return;
  }
  if (method.starts_with("supervisor.")) return cut_off(id, "sent what is not a client's");
  if (method == "process.start" && message.contains("params") && message["params"].is_object())
    prepare_start(client, message);
  if (method == "process.ended_outside") client.outside = false;
  if (method == "process.detached") {
    client.holder = true;
    client.pid = message.value("params", Json::object()).value("pid", client.pid);
  }
  to_worker(id, message);
}

// What the client cannot know itself: its root, and which of its streams nobody waits for.
void Server::prepare_start(Client& client, Json& message) {
  Json& params = message["params"];
  client.start_id = to_line(message.value("id", Json()));
  client.running = true;
  client.holder = client.outside = false;
  client.root = processes_.root_of(client.pid);
  const Json args = params.value("args", Json::array());
  if (args.is_array() && !args.empty() && args[0].is_string())
    client.command = args[0].get<std::string>();
  Json quiet = Json::array();
  for (int stream : {1, 2})
    if (processes_.is_quiet_output(client.pid, stream, client.root)) quiet.push_back(stream);
  params["quiet"] = quiet;
  params.erase("pid");
  if (params.value("own_files", false)) params["pid"] = client.pid;
}

void Server::cut_off(uint32_t id, const char* why) {
  if (why) std::fprintf(stderr, "stackyard: client %u %s: cut off\n", id, why);
  cut_.push_back(id);
}

void Server::remove_cut() {
  const auto now = Clock::now();
  for (const auto& [id, client] : clients_) {
    if (client->channel.unsent() > unread_max) cut_off(id, "does not read");
    if (client->partial_since != Clock::time_point{} &&
        now - client->partial_since > half_message_max)
      cut_off(id, "sent half a message");
  }
  for (uint32_t id : std::exchange(cut_, {}))
    if (clients_.erase(id))
      to_worker(0, {{"method", "supervisor.gone"}, {"params", {{"client", id}}}});
}

// --- the worker --------------------------------------------------------------------------------

void Server::to_worker(uint32_t client, const Json& message) {
  ++worker_told_;
  worker_.send({{"client", client}, {"message", message}});
}

void Server::read_worker() {
  const bool there = worker_.fill();
  while (const auto line = worker_.next_line()) {
    const auto envelope = parse_message(*line);
    const uint32_t client = envelope->value("client", 0u);
    if (client == 0)
      from_worker(envelope->at("message"));
    else
      to_client(client, envelope->at("message"));
  }
  if (!there || worker_.broken()) ended_ = true;
}

void Server::from_worker(const Json& message) {
  const std::string method = message.value("method", "");
  const Json params = message.value("params", Json::object());
  if (method == "ready") {
    ready_ = true;
    lockstep_ = params.value("pace", "") == "lockstep";
    if (on_ready) on_ready();
  } else if (method == "pace") {
    lockstep_ = params.value("pace", "") == "lockstep";
    going_ = false;
  } else if (method == "journal") {
    if (journal_.is_open()) journal_ << to_line(params) << '\n';
  } else if (method == "synced") {
    worker_synced_ = params.value("told", uint64_t(0));
  } else if (method == "stood") {
    going_ = false;
    stood_at_ = Clock::now();
    last_look_.all_asleep = false;
    if (params.value("why", "") == "idle") kill_idle();
  }
}

void Server::to_client(uint32_t id, const Json& message) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  Client& client = *found->second;
  const std::string method = message.value("method", "");
  if (method == "process.exit") client.running = false;
  if (method == "process.run_outside") client.outside = true;
  // The command could not be started.
  if (method.empty() && message.contains("error") && to_line(message["id"]) == client.start_id)
    client.running = false;
  ++client.told;
  client.channel.send(message);
}

}  // namespace stackyard
