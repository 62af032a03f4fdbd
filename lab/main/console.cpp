// lab/main/console.cpp - `stackyard console`: a shell on a machine of a served lab, with words that
// move time. Given a lab file, it serves the lab itself: paced for a person, in lockstep for input
// that comes from elsewhere.
#include <histedit.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "core/table/table.h"
#include "lab/client/remote_command.h"
#include "lab/main/commands.h"

namespace stackyard {

namespace {

const char* const help_words =
    "A line is a command of the machine. Words that begin with a colon move time and place:\n"
    "  :run DURATION   let simulated time pass: :run 5s, :run 200ms\n"
    "  :until CONDITION   run until it is true: :until {link: l1, up: false}\n"
    "  :step           one event; :packet: up to the next frame on any link\n"
    "  :pace PACE      paused, fast, lockstep (time passes while commands wait), or 2x\n"
    "  :time           the simulated time\n"
    "  :node NAME      go to another machine\n"
    "  :nodes          list the nodes\n"
    "  :table NAME [NODE]   show a table of this node, or of another: :table fdb sw1\n"
    "  :quit           leave\n";

// Reads lines with history and completion on a terminal, plainly from a pipe.
class LineReader {
 public:
  // A line and where in it the cursor is; changes both, and gives the choices that there are.
  using Complete = std::function<std::vector<std::string>(std::string& line, size_t& cursor)>;

  LineReader(const char* name, Complete complete) : complete_(std::move(complete)) {
    if (!isatty(STDIN_FILENO)) return;
    history_ = history_init();
    HistEvent event;
    history(history_, &event, H_SETSIZE, 500);
    edit_ = el_init(name, stdin, stdout, stderr);
    el_set(edit_, EL_CLIENTDATA, this);
    el_set(
        edit_, EL_PROMPT, +[](EditLine* edit) {
          LineReader* self = nullptr;
          el_get(edit, EL_CLIENTDATA, &self);
          return self->prompt_.data();
        });
    el_set(edit_, EL_HIST, history, history_);
    el_set(
        edit_, EL_ADDFN, "complete", "asks the lab", +[](EditLine* edit, int) -> unsigned char {
          LineReader* self = nullptr;
          el_get(edit, EL_CLIENTDATA, &self);
          return self->complete();
        });
    el_set(edit_, EL_BIND, "^I", "complete", nullptr);
  }
  ~LineReader() {
    if (edit_) el_end(edit_);
    if (history_) history_end(history_);
  }
  LineReader(const LineReader&) = delete;
  std::optional<std::string> read(const std::string& prompt) {
    std::string line;
    if (!edit_) {
      if (!std::getline(std::cin, line)) return std::nullopt;
      return line;
    }
    prompt_ = prompt;
    int count = 0;
    const char* words = el_gets(edit_, &count);
    if (!words || count <= 0) return std::nullopt;
    HistEvent event;
    if (count > 1) history(history_, &event, H_ENTER, words);
    return std::string(trim(words));
  }

 private:
  unsigned char complete() {
    const LineInfo* typed = el_line(edit_);
    std::string line(typed->buffer, typed->lastchar);
    size_t cursor = size_t(typed->cursor - typed->buffer);
    const std::string before = line;
    const std::vector<std::string> choices = complete_(line, cursor);
    if (line == before) {
      if (choices.empty()) return CC_ERROR;
      std::printf("\n%s\n", join(choices, "  ").c_str());
      return CC_REDISPLAY;
    }
    el_cursor(edit_, int(typed->lastchar - typed->cursor));
    el_deletestr(edit_, int(before.size()));
    el_insertstr(edit_, line.c_str());
    el_cursor(edit_, int(cursor) - int(line.size()));
    return CC_REFRESH;
  }

  Complete complete_;
  EditLine* edit_ = nullptr;
  History* history_ = nullptr;
  std::string prompt_;
};

// A lab served for this console alone, by a child; both end together.
class OwnLab {
 public:
  // Null: it could not be served, and has said why.
  static std::unique_ptr<OwnLab> serve(const ConsoleArguments& arguments) {
    char folder[] = "/tmp/stackyard-XXXXXX";
    if (!mkdtemp(folder)) return nullptr;
    auto own = std::unique_ptr<OwnLab>(new OwnLab(folder));
    int started[2];
    if (pipe(started) != 0) return nullptr;
    own->child_ = fork();
    if (own->child_ == 0) {
      setpgid(0, 0);                     // ^C is for the console's command
      prctl(PR_SET_PDEATHSIG, SIGTERM);  // neither outlives the other
      close(started[0]);
      ServeArguments serve;
      serve.lab = arguments.lab;
      serve.socket = own->socket();
      const bool typed = isatty(STDIN_FILENO) && arguments.command.empty();
      serve.pace = !arguments.pace.empty() ? arguments.pace : typed ? "1x" : "lockstep";
      serve.set = arguments.set;
      serve.captures = false;
      serve.ready_fd = started[1];
      std::_Exit(serve_command(serve));
    }
    close(started[1]);
    char octet;
    const bool up = read(started[0], &octet, 1) == 1;
    close(started[0]);
    if (!up) own->status();
    return up ? std::move(own) : nullptr;
  }
  ~OwnLab() {
    if (child_ > 0) kill(child_, SIGTERM);
    status();
    rmdir(folder_.c_str());
  }
  OwnLab(const OwnLab&) = delete;
  std::string socket() const { return folder_ + "/lab.sock"; }

 private:
  explicit OwnLab(std::string folder) : folder_(std::move(folder)) {}
  void status() {
    if (child_ > 0) waitpid(std::exchange(child_, 0), nullptr, 0);
  }
  std::string folder_;
  pid_t child_ = 0;
};

class Console {
 public:
  explicit Console(Connection& connection) : connection_(connection) {}

  // The named machine or jail, or the first machine. False: there is none such.
  bool choose(const std::string& name) {
    std::string first;
    bool found = false;
    const auto nodes = ask("lab.nodes", Json::object());
    if (!nodes) return false;
    for (const Json& node : nodes->at("nodes")) {
      if (!node.contains("running")) continue;
      if (first.empty()) first = node["name"].get<std::string>();
      found |= node["name"] == name;
    }
    if (!name.empty() && !found) {
      std::fprintf(stderr, "there is no machine \"%s\"\n", name.c_str());
      return false;
    }
    node_ = name.empty() ? first : name;
    return true;
  }

  // Runs one line in the machine's shell until it ends; its exit status.
  int run_line(const std::string& line) {
    if (const auto time = ask("time.get", Json::object()); time && time->at("pace") == "paused")
      std::fputs("the lab is paused: nothing ends before it goes on (:pace 1x)\n", stderr);
    RemoteCommand command;
    command.at = node_;
    command.args = {"sh", "-c", line + "\n"};
    command.die_with_it = false;
    return run_remote(connection_, command);
  }

  // False: leave.
  bool control(const std::string& line) {
    const auto words = split_words(line);
    const std::string rest(trim(std::string_view(line).substr(words[0].size())));
    if (words[0] == ":quit" || words[0] == ":q") return false;
    if (words[0] == ":time") {
      show_time(ask("time.get", Json::object()));
    } else if (words[0] == ":nodes") {
      if (const auto nodes = ask("lab.nodes", Json::object()))
        for (const Json& node : nodes->at("nodes"))
          std::printf("%s (%s)\n", node["name"].get<std::string>().c_str(),
                      node["kind"].get<std::string>().c_str());
    } else if (words[0] == ":table" && (words.size() == 2 || words.size() == 3)) {
      show_table(words[1], words.size() == 3 ? words[2] : node_);
    } else if (words[0] == ":run" && words.size() == 2) {
      run_time({{"for", words[1]}});
    } else if (words[0] == ":until" && !rest.empty()) {
      run_time({{"when", rest}});
    } else if (words[0] == ":packet") {
      if (ask("time.step_packet", Json::object())) wait_until_stopped();
    } else if (words[0] == ":step") {
      show_time(ask("time.step", Json::object()));
    } else if (words[0] == ":pace" && words.size() == 2) {
      show_time(ask("time.pace", {{"pace", words[1]}}));
    } else if (words[0] == ":node" && words.size() == 2) {
      choose(words[1]);
    } else {
      std::fputs(help_words, stdout);
    }
    return true;
  }

  std::vector<std::string> complete(std::string& line, size_t& cursor) {
    if (line.starts_with(':')) return {};
    std::string error;  // which nobody who types wants to read
    const auto found = connection_.call("lab.complete",
                                        {{"at", node_}, {"line", line}, {"cursor", cursor}}, error);
    if (!found) return {};
    line = found->at("line").get<std::string>();
    cursor = found->at("cursor").get<size_t>();
    return found->at("choices").get<std::vector<std::string>>();
  }

  std::string prompt() const { return node_ + "# "; }

 private:
  std::optional<Json> ask(const std::string& method, const Json& params) {
    std::string error;
    auto result = connection_.call(method, params, error);
    if (!result) std::fprintf(stderr, "%s\n", error.c_str());
    return result;
  }

  static void show_time(const std::optional<Json>& state) {
    if (!state) return;
    std::printf("%s s  %s\n", seconds_text(SimTime(state->at("time").get<int64_t>())).c_str(),
                state->at("pace").get<std::string>().c_str());
  }

  void run_time(const Json& params) {
    if (ask("time.run", params)) wait_until_stopped();
  }

  void wait_until_stopped() {
    while (const auto message = connection_.next(-1))
      if (message->value("method", "") == "time.stopped") return;
  }

  void show_table(const std::string& name, const std::string& node) {
    const auto shown = ask("lab.table", {{"node", node}, {"table", name}});
    if (!shown) {
      if (const auto names = ask("lab.tables", {{"node", node}}))
        std::fprintf(stderr, "%s has the tables %s\n", node.c_str(),
                     join(names->at("tables").get<std::vector<std::string>>(), " ").c_str());
      return;
    }
    // The titles live as long as the table that points to them.
    Table table;
    std::vector<std::string> titles;
    for (const Json& column : shown->at("columns"))
      titles.push_back(column["title"].get<std::string>());
    for (size_t i = 0; i < titles.size(); ++i) {
      const Json& column = shown->at("columns")[i];
      table.columns.push_back(
          {titles[i].c_str(), titles[i].c_str(),
           column["type"] == "duration" ? ColumnType::duration : ColumnType::text});
      if (column["type"] == "number") table.columns.back().type = ColumnType::number;
    }
    for (const Json& row : shown->at("rows")) {
      table.rows.emplace_back();
      for (const Json& column : shown->at("columns")) {
        const Json& value = row.at(column["name"].get<std::string>());
        Cell cell;
        if (value.is_number()) cell = value.get<int64_t>();
        if (value.is_string()) cell = value.get<std::string>();
        table.rows.back().push_back(std::move(cell));
      }
    }
    std::fputs(to_text(table).c_str(), stdout);
  }

  Connection& connection_;
  std::string node_;
};

}  // namespace

int console_command(const ConsoleArguments& arguments) {
  std::unique_ptr<OwnLab> own;
  std::string path = arguments.socket;
  if (!arguments.lab.empty()) {
    own = OwnLab::serve(arguments);
    if (!own) return exit_status::invalid;
    path = own->socket();
  }
  const auto connection = Connection::open(socket_path(path));
  if (!connection) {
    std::fprintf(stderr, "stackyard: %s: %s\n", socket_path(path).c_str(), std::strerror(errno));
    return exit_status::run_failed;
  }
  Console console(*connection);
  if (!console.choose(arguments.node)) return exit_status::invalid;
  if (!arguments.command.empty()) return console.run_line(arguments.command);
  if (isatty(STDIN_FILENO)) std::puts("Type a command of the machine, or :help.");
  LineReader reader("stackyard", [&console](std::string& line, size_t& cursor) {
    return console.complete(line, cursor);
  });
  int status = 0;
  while (const auto line = reader.read(console.prompt())) {
    if (trim(*line).empty()) continue;
    if ((*line)[0] == ':') {
      if (!console.control(*line)) break;
      continue;
    }
    status = console.run_line(*line);
    if (connection->lost()) return exit_status::run_failed;
  }
  return status;
}

}  // namespace stackyard
