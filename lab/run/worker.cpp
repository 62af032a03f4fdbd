#include "lab/run/worker.h"

#include <poll.h>

#include <algorithm>
#include <istream>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "lab/run/journal.h"

namespace stackyard {

namespace {

// JSON-RPC 2.0's error codes, and ours for what the lab refuses.
constexpr int method_not_found = -32601, invalid_params = -32602;

}  // namespace

// What a client may call, and what is the supervisor's own.
const Worker::Method Worker::methods[] = {
    {"hello", &Worker::hello, false},
    {"lab.nodes", &Worker::nodes, false},
    {"lab.links", &Worker::links, false},
    {"lab.tables", &Worker::tables, false},
    {"lab.table", &Worker::table, false},
    {"lab.checks", &Worker::checks, false},
    {"lab.complete", &Worker::complete, false},
    {"subscribe", &Worker::subscribe, false},
    {"unsubscribe", &Worker::unsubscribe, false},
    {"time.get", &Worker::time_get, false},
    {"time.pause", &Worker::time_pause, false},
    {"time.run", &Worker::time_run, false},
    {"time.step", &Worker::time_step, false},
    {"time.step_packet", &Worker::time_step_packet, false},
    {"time.pace", &Worker::time_pace, false},
    {"edit.add", &Worker::edit_add, true},
    {"edit.remove", &Worker::edit_remove, true},
    {"edit.connect", &Worker::edit_connect, true},
    {"edit.disconnect", &Worker::edit_disconnect, true},
    {"edit.link", &Worker::edit_link, true},
    {"edit.move", &Worker::edit_move, true},
    {"process.start", &Worker::process_start, true},
    {"process.input", &Worker::process_input, true},
    {"process.signal", &Worker::process_signal, true},
    {"process.ack", &Worker::process_ack, true},
    {"process.close", &Worker::process_close, true},
    {"process.detached", &Worker::process_detached, true},
    {"process.ended_outside", &Worker::process_ended_outside, true},
    {"supervisor.gone", &Worker::client_gone, true},
    {"supervisor.go", &Worker::go, false},
    {"supervisor.sync", &Worker::sync, false},
    {"supervisor.stop", &Worker::stop, false},
    {"supervisor.frames", &Worker::frames, true},
};

Worker::Worker(Session& session, LabSource source, int link, WorkerOptions options)
    : session_(session), source_(std::move(source)), link_(link), pace_(options) {
  subscriptions_ = std::make_unique<Subscriptions>(*this);
  session_.lab().add_observer(subscriptions_.get());
  session_.on_output = [this](const OutputLine& line) { subscriptions_->output(line); };
  session_.on_verdict = [this](const CheckResult& result) { subscriptions_->verdict(result); };
}

Worker::~Worker() {
  session_.on_output = nullptr;
  session_.on_verdict = nullptr;
}

std::string Worker::open_doors(bool journalled) {
  journalled_ = journalled;
  return doors_.open(session_.lab());
}

int Worker::run() {
  notify(0, "journal", journal_head(source_, session_.lab().simulation().seed()));
  // The lab is there before anybody asks for it.
  session_.at_once([] {});
  pacer_.restart(session_.lab().simulation().reached(), pace_.speed_nano);
  notify(0, "ready", time_state());
  while (!stopping_) {
    const bool more = advance();
    subscriptions_->publish();
    wait(more);
    link_.flush();
    read_link();
    take_frames();
  }
  notify(0, "journal", journal_end(session_.lab().simulation().reached()));
  session_.finish();
  return session_.checks_passed() ? 0 : 1;
}

void Worker::wait(bool more) {
  pollfd link{link_.fd(), short(POLLIN | (link_.unsent() ? POLLOUT : 0)), 0};
  const bool moving = pace_.pace != Pace::paused || subscriptions_->waiting();
  constexpr int look_ms = 5;
  // Frames wait outside while time stands.
  if (!doors_.any() || pace_.pace == Pace::paused)
    poll(&link, 1, more ? 0 : moving ? look_ms : -1);
  else if (more)
    doors_.wait({link}, {});
  else
    doors_.wait({link}, std::min<std::chrono::nanoseconds>(
                            std::chrono::milliseconds(look_ms),
                            pacer_.until(session_.lab().simulation().next_time())));
}

void Worker::take_frames() {
  if (!doors_.any() || pace_.pace == Pace::paused) return;
  const std::vector<DoorFrame> frames = doors_.take();
  if (frames.empty()) return;
  advance();  // to the present, at which they have come
  const auto let_in = [&] { enter(session_.lab(), frames); };
  if (journalled_)
    apply(0, frames_message(session_.lab().spec(), frames), let_in);
  else
    session_.at_once(let_in);
}

bool Worker::replay(std::istream& journal) {
  session_.at_once([] {});
  try {
    for (std::string line; std::getline(journal, line);) {
      const auto input = parse_message(line);
      if (!input) return false;
      const SimTime when(input->at("time").get<int64_t>());
      const bool end = input->contains("end");
      // Everything before an input's instant, so that it is the first which nobody has begun.
      const SimTime before = end ? when : when - 1_ns;
      if (before < session_.lab().simulation().reached()) return false;
      session_.advance(before);
      if (end) {
        session_.finish();
        return true;
      }
      if (!input->at("message").is_object()) return false;
      handle(input->at("client").get<uint32_t>(), input->at("message"));
    }
  } catch (const Json::exception&) {
  }
  return false;
}

void Worker::read_link() {
  const bool there = link_.fill();
  while (const auto line = link_.next_line()) {
    const auto envelope = parse_message(*line);
    check(envelope && envelope->is_object(), "the supervisor speaks JSON");
    handle(envelope->value("client", 0u), envelope->at("message"));
  }
  if (!there || link_.broken()) stopping_ = true;
}

void Worker::handle(uint32_t client, const Json& message) {
  if (!message.contains("method")) {  // a response to one of ours
    apply(client, message, [&] {
      const auto found = processes_.find(client);
      const Json id = message.value("id", Json());
      if (found != processes_.end() && id.is_number_unsigned())
        found->second->file_answer(id.get<uint64_t>(), message);
    });
    return;
  }
  const std::string name = message.value("method", "");
  for (const Method& method : methods)
    if (name == method.name) return answer(client, message, method);
  if (!message.contains("id")) return;
  link_.send({{"client", client},
              {"message",
               {{"jsonrpc", "2.0"},
                {"id", message["id"]},
                {"error", {{"code", method_not_found}, {"message", "no method " + name}}}}}});
}

void Worker::answer(uint32_t client, const Json& message, const Method& method) {
  Json reply{{"jsonrpc", "2.0"}, {"id", message.value("id", Json())}};
  const Json params = message.value("params", Json::object());
  const auto call = [&] {
    try {
      reply["result"] = (this->*method.handler)(client, params);
    } catch (const RequestError& error) {
      reply["error"] = {{"code", error.code}, {"message", error.message}};
    } catch (const Json::exception& error) {
      reply["error"] = {{"code", invalid_params}, {"message", error.what()}};
    }
  };
  if (method.changes)
    apply(client, message, call);
  else
    call();
  if (message.contains("id")) link_.send({{"client", client}, {"message", reply}});
}

void Worker::apply(uint32_t client, const Json& message, const std::function<void()>& action) {
  notify(0, "journal", journal_input(session_.next_instant(), client, message));
  session_.at_once(action);
}

void Worker::notify(uint32_t client, const char* method, Json params) {
  link_.send(
      {{"client", client},
       {"message", {{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}}}});
}

void Worker::ask(uint32_t client, uint64_t id, const char* method, Json params) {
  link_.send(
      {{"client", client},
       {"message",
        {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}}}});
}

// --- processes ---------------------------------------------------------------------------------

namespace {

// "srv/web/inner": the machine, and the jail as the machine calls it ("web.inner").
std::pair<std::string, std::string> split_place(const std::string& at) {
  const size_t slash = at.find('/');
  if (slash == at.npos) return {at, ""};
  std::string jail = at.substr(slash + 1);
  std::replace(jail.begin(), jail.end(), '/', '.');
  return {at.substr(0, slash), jail};
}

}  // namespace

// The machine and jail that a client means; none named: the first machine.
Worker::Place Worker::place(const std::string& at) {
  Lab& lab = session_.lab();
  const LabSpec& spec = lab.spec();
  auto [name, jail_name] = split_place(at);
  for (size_t i = 0; name.empty() && i < spec.nodes.size(); ++i)
    if (spec.nodes[i].runs_programs()) name = spec.nodes[i].name;
  const auto found = spec.node_index.find(name);
  Machine* machine = found == spec.node_index.end() ? nullptr : lab.machine(found->second);
  if (!machine) throw RequestError{1, text("there is no machine \"{}\"", name)};
  if (!machine->powered()) throw RequestError{1, text("{} is switched off", name)};
  if (jail_name.empty()) return {machine, &machine->base(), name};
  Jail* jail = machine->find_jail(jail_name, machine->base());
  if (!jail) throw RequestError{1, text("jexec: jail \"{}\" not found", jail_name)};
  return {machine, jail, name};
}

ClientProcess& Worker::process_of(uint32_t client) {
  const auto found = processes_.find(client);
  if (found == processes_.end()) throw RequestError{1, "no process was started here"};
  return *found->second;
}

Json Worker::process_start(uint32_t client, const Json& params) {
  const auto found = processes_.find(client);
  if (found != processes_.end() && !found->second->finished())
    throw RequestError{1, "a process of this client is running"};
  const Place at = place(params.value("at", ""));
  ClientProcess::Start start{.machine = at.machine,
                             .machine_name = at.name,
                             .jail = at.jail,
                             .args = params.at("args").get<Args>(),
                             .folder = params.value("folder", ""),
                             .fib = params.value("fib", 0),
                             .pid = params.value("pid", 0),
                             .own_files = params.value("own_files", false)};
  if (start.args.empty()) throw RequestError{1, "no command was named"};
  for (const Json& name : params.value("ignored", Json::array()))
    if (const auto signal = signal_named(name.get<std::string>())) start.ignored.push_back(*signal);
  for (const Json& stream : params.value("quiet", Json::array()))
    start.shows.at(stream.get<size_t>() - 1) = false;
  auto& slot = processes_[client];
  slot = std::make_unique<ClientProcess>(*this, client, start);
  quiet_since_ = session_.lab().simulation().reached();
  return {{"pid", slot->pid()}};
}

Json Worker::process_input(uint32_t client, const Json& params) {
  auto octets = from_base64(params.value("data", ""));
  if (!octets) throw RequestError{invalid_params, "data is not base64"};
  process_of(client).input(std::move(*octets), params.value("end", false));
  return Json::object();
}

Json Worker::process_signal(uint32_t client, const Json& params) {
  const auto signal = signal_named(params.at("signal").get<std::string>());
  if (!signal) throw RequestError{invalid_params, "no such signal"};
  process_of(client).signal(*signal);
  return Json::object();
}

namespace {

size_t output_of(const Json& params) {
  const size_t stream = params.at("stream").get<size_t>();
  if (stream != 1 && stream != 2) throw RequestError{invalid_params, "stream is 1 or 2"};
  return stream;
}

}  // namespace

Json Worker::process_ack(uint32_t client, const Json& params) {
  process_of(client).acknowledged(output_of(params), params.at("octets").get<size_t>());
  return Json::object();
}

Json Worker::process_close(uint32_t client, const Json& params) {
  process_of(client).closed(output_of(params));
  return Json::object();
}

Json Worker::process_detached(uint32_t client, const Json& params) {
  process_of(client).detached(params.at("pid").get<Pid>());
  return Json::object();
}

Json Worker::process_ended_outside(uint32_t client, const Json& params) {
  process_of(client).ended_outside(params.at("status").get<int>());
  return Json::object();
}

Json Worker::client_gone(uint32_t, const Json& params) {
  const uint32_t client = params.at("client").get<uint32_t>();
  subscriptions_->drop_client(client);
  const auto found = processes_.find(client);
  if (found == processes_.end()) return Json::object();
  found->second->kill();
  processes_.erase(found);
  return Json::object();
}

Json Worker::sync(uint32_t, const Json& params) {
  notify(0, "synced", params);
  return Json::object();
}

Json Worker::stop(uint32_t, const Json&) {
  stopping_ = true;
  return Json::object();
}

// What came in by doors, as a journal has it.
Json Worker::frames(uint32_t client, const Json& params) {
  std::vector<DoorFrame> frames;
  if (client != 0) throw RequestError{1, "only the supervisor's"};
  if (!frames_from(session_.lab().spec(), params, frames))
    throw RequestError{invalid_params, "there is no such door"};
  enter(session_.lab(), frames);
  return Json::object();
}

}  // namespace stackyard
