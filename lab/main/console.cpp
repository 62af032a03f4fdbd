// lab/main/console.cpp - `stackyard console`: a shell on a machine, with words that move time.
#include <histedit.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "core/base/text.h"
#include "lab/main/commands.h"
#include "lab/main/load.h"
#include "lab/run/session.h"
#include "lab/spec/problems.h"
#include "lab/spec/reader.h"

namespace stackyard {

namespace {

constexpr SimTime patience = 3600_s;  // a foreground command gets so much simulated time

const char* const help_words =
    "A line is a command of the machine. Words that begin with a colon move time and place:\n"
    "  :run DURATION   let simulated time pass: :run 5s, :run 200ms\n"
    "  :time           the simulated time\n"
    "  :node NAME      go to another machine\n"
    "  :nodes          list the nodes\n"
    "  :table NAME [NODE]   show a table of this node, or of another: :table fdb sw1\n"
    "  :quit           leave\n";

// Reads lines with history on a terminal, plainly from a pipe.
class LineReader {
 public:
  explicit LineReader(const char* name) {
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
  EditLine* edit_ = nullptr;
  History* history_ = nullptr;
  std::string prompt_;
};

class Console {
 public:
  Console(Session& session, size_t node) : session_(session), node_(node) {}

  // Runs one line in the machine's shell until it ends; its exit status.
  int run_line(const std::string& line) {
    int status = -1;
    Lab& lab = session_.lab();
    bool ended = false;
    // Input from outside is stamped with the first nanosecond that nobody has begun.
    lab.simulation().at_barrier(session_.now() + 1_ns, EventKind::outside, [&] {
      lab.run_shell(
          node_, line + "\n",
          [](Bytes octets) {
            std::fwrite(octets.data(), 1, octets.size(), stdout);
            std::fflush(stdout);
          },
          [&](int s) {
            status = s;
            ended = true;
          });
    });
    const SimTime limit = session_.now() + patience;
    while (!ended && session_.now() < limit && session_.failure().empty())
      session_.run_until(std::min(
          limit, std::max(session_.now() + 1_ms, session_.lab().simulation().next_time())));
    if (!ended)
      std::fprintf(stderr, "stackyard: still running after %s of simulated time\n",
                   short_text(patience).c_str());
    return ended ? status : exit_status::run_failed;
  }

  // False: leave.
  bool control(const std::string& line) {
    const auto words = split_words(line);
    const LabSpec& spec = session_.lab().spec();
    if (words[0] == ":quit" || words[0] == ":q") return false;
    if (words[0] == ":time") {
      std::printf("%s s\n", seconds_text(session_.now()).c_str());
    } else if (words[0] == ":nodes") {
      for (const NodeSpec& node : spec.nodes)
        std::printf("%s (%s)\n", node.name.c_str(), node_kind_name(node.kind).c_str());
    } else if (words[0] == ":table" && (words.size() == 2 || words.size() == 3)) {
      show_table(words[1], words.size() == 3 ? words[2] : spec.nodes[node_].name);
    } else if (words[0] == ":run" && words.size() == 2) {
      Problems problems;
      Yaml value{
          .kind = Yaml::Kind::scalar, .place = {}, .text = words[1], .items = {}, .entries = {}};
      const auto duration = Reader(problems).duration(&value);
      if (duration)
        session_.run_until(session_.now() + *duration);
      else
        std::fprintf(stderr, "\"%s\" is not a duration\n", words[1].c_str());
    } else if (words[0] == ":node" && words.size() == 2) {
      const auto found = spec.node_index.find(words[1]);
      if (found == spec.node_index.end() || !spec.nodes[found->second].runs_programs())
        std::fprintf(stderr, "there is no machine \"%s\"\n", words[1].c_str());
      else
        node_ = found->second;
    } else {
      std::fputs(help_words, stdout);
    }
    return true;
  }

  void show_table(const std::string& name, const std::string& node) {
    const auto found = session_.lab().spec().node_index.find(node);
    const TableSource* source = found == session_.lab().spec().node_index.end()
                                    ? nullptr
                                    : session_.lab().tables(found->second);
    if (!source) {
      std::fprintf(stderr, "there are no tables of \"%s\"\n", node.c_str());
      return;
    }
    const Table table = source->table(name);
    if (table.columns.empty()) {
      std::fprintf(stderr, "%s has the tables %s\n", node.c_str(),
                   join(source->table_names(), " ").c_str());
      return;
    }
    std::fputs(to_text(table).c_str(), stdout);
  }

  std::string prompt() const { return session_.lab().spec().nodes[node_].name + "# "; }

 private:
  Session& session_;
  size_t node_;
};

}  // namespace

int console_command(const std::string& path, const std::string& name, const std::string& command,
                    const std::vector<std::string>& set) {
  auto spec = load_lab(path, set);
  if (!spec) return exit_status::invalid;
  size_t node = 0;
  while (node < spec->nodes.size() && !spec->nodes[node].runs_programs()) ++node;
  if (!name.empty()) {
    const auto found = spec->node_index.find(name);
    node = found == spec->node_index.end() ? spec->nodes.size() : found->second;
  }
  if (node >= spec->nodes.size() || !spec->nodes[node].runs_programs()) {
    std::fprintf(stderr, "there is no machine \"%s\" in %s\n", name.c_str(), path.c_str());
    return exit_status::invalid;
  }
  SessionOptions options;
  options.captures = false;
  options.until = SimTime::max() - 1_s;
  Session session(std::move(*spec), options);
  session.run_until(1_ms);
  Console console(session, node);
  if (!command.empty()) return console.run_line(command);
  if (isatty(STDIN_FILENO)) std::puts("Type a command of the machine, or :help.");
  LineReader reader("stackyard");
  int status = 0;
  while (const auto line = reader.read(console.prompt())) {
    if (trim(*line).empty()) continue;
    if ((*line)[0] == ':') {
      if (!console.control(*line)) break;
      continue;
    }
    status = console.run_line(*line);
  }
  return status;
}

}  // namespace stackyard
