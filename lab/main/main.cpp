// lab/main/main.cpp - the `stackyard` program.
#include <CLI/CLI.hpp>

#include "lab/main/commands.h"

namespace stackyard {
namespace {

// What the command line says, and what came of it.
struct CommandLine {
  RunArguments run;
  ConsoleArguments console;
  ServeArguments serve;
  DrillArguments drill;
  std::vector<std::string> set, labs, lab_and_node, command;
  std::string journal, socket, at, folder;
  bool addresses = false;
  int status = 0;
};

void add_set(CLI::App& app, CommandLine& line) {
  app.add_option("--set", line.set, "NAME=VALUE: a variable of the lab")->allow_extra_args(false);
}

void add_run_and_validate(CLI::App& app, CommandLine& line) {
  CLI::App* run_app = app.add_subcommand("run", "Run a lab headless, with its events and checks");
  run_app->add_option("LAB", line.run.lab, "the lab file")->required();
  run_app->add_option("--until", line.run.until, "end at this simulated time: 10s");
  run_app->add_option("--seed", line.run.seed, "instead of the file's seed");
  run_app->add_option("--pace", line.run.pace,
                      "fast, or so many simulated seconds in a real one: 1x");
  run_app->add_option("--out", line.run.out, "folder of the captures")->capture_default_str();
  run_app->add_flag("--json", line.run.json, "one JSON report on standard output");
  run_app->add_option("--junit", line.run.junit, "write the checks as JUnit to this file");
  run_app->add_option("--tcp-trace", line.run.tcp_trace,
                      "write how TCP connections stand, whenever something happens, as CSV");
  run_app->add_option("--trace", line.run.trace,
                      "write every frame, drop and log line to this file");
  run_app->add_option("--journal", line.run.journal,
                      "write what comes in by doors to this file, for replay");
  add_set(*run_app, line);
  run_app->add_option("--partitions", line.run.partitions,
                      "shuffled executor: so many partitions, the same result");
  run_app->add_option("--shuffle", line.run.shuffle, "seed of the shuffled executor");
  run_app->callback([&line] {
    line.run.set = line.set;
    line.status = run_command(line.run);
  });

  CLI::App* validate = app.add_subcommand("validate", "Check lab files without running them");
  validate->add_option("LAB", line.labs, "lab files")->required();
  validate->add_flag("--addresses", line.addresses, "print the addressing");
  add_set(*validate, line);
  validate->callback(
      [&line] { line.status = validate_command(line.labs, line.addresses, line.set); });
}

void add_console(CLI::App& app, CommandLine& line) {
  CLI::App* console_app = app.add_subcommand("console", "A shell on a machine of a lab");
  console_app->add_option("LAB", line.lab_and_node, "a lab file, and a machine; else the first one")
      ->option_text("[LAB] [NODE]")
      ->expected(0, 2);
  console_app->add_option("--socket", line.console.socket, "of a served lab, instead of LAB");
  console_app->add_option("--pace", line.console.pace,
                          "of LAB: 1x for who types, else lockstep; 10x, fast");
  console_app->add_option("-c", line.console.command, "run this command and exit with its status");
  add_set(*console_app, line);
  console_app->callback([&line] {
    line.console.set = line.set;
    auto word = line.lab_and_node.begin();
    if (line.console.socket.empty() && word != line.lab_and_node.end()) line.console.lab = *word++;
    if (word != line.lab_and_node.end()) line.console.node = *word;
    line.status = console_command(line.console);
  });
}

void add_serve_and_its_clients(CLI::App& app, CommandLine& line) {
  CLI::App* serve_app = app.add_subcommand("serve", "Run a lab for clients: exec, console, shims");
  serve_app->add_option("LAB", line.serve.lab, "the lab file")->required();
  serve_app->add_option("--socket", line.serve.socket,
                        "where clients find it; else STACKYARD_SOCKET");
  serve_app->add_option("--pace", line.serve.pace, "1x, 10x, lockstep, fast or paused");
  serve_app->add_option("--seed", line.serve.seed, "instead of the file's seed");
  serve_app->add_option("--out", line.serve.out, "folder of the captures")->capture_default_str();
  serve_app->add_option("--trace", line.serve.trace,
                        "write every frame, drop and log line to this file");
  serve_app->add_option("--journal", line.serve.journal,
                        "write what comes from outside to this file");
  add_set(*serve_app, line);
  serve_app->callback([&line] {
    line.serve.set = line.set;
    line.status = serve_command(line.serve);
  });

  CLI::App* replay = app.add_subcommand("replay", "Run again what a journal of serve has");
  replay->add_option("JOURNAL", line.journal, "written by serve --journal")->required();
  replay->add_option("--out", line.serve.out, "folder of the captures")->capture_default_str();
  replay->add_option("--trace", line.serve.trace,
                     "write every frame, drop and log line to this file");
  replay->callback([&line] { line.status = replay_command(line.journal, line.serve); });

  CLI::App* exec = app.add_subcommand("exec", "Run a command in a served lab");
  exec->add_option("--socket", line.socket, "of the lab; else STACKYARD_SOCKET");
  exec->add_option("NODE", line.at, "the machine, or MACHINE/JAIL")->required();
  exec->add_option("CMD", line.command, "the command, behind --")->required();
  exec->callback([&line] { line.status = exec_command(line.socket, line.at, line.command); });

  CLI::App* shims = app.add_subcommand("shims", "Fill a folder with the commands of a served lab");
  shims->add_option("DIR", line.folder, "put it first on PATH")->required();
  shims->callback([&line] { line.status = shims_command(line.folder); });
}

// The front end is a program of its own, so that this one needs no window system.
void add_gui(CLI::App& app, CommandLine& line) {
  CLI::App* gui = app.add_subcommand("gui", "The front end: [LAB] [--at TIME --screenshot FILE]");
  gui->prefix_command();
  gui->callback([gui, &line] { line.status = gui_command(gui->remaining()); });
}

void add_drill(CLI::App& app, CommandLine& line) {
  CLI::App* drill = app.add_subcommand("drill", "Run packet scripts in packetdrill's language");
  drill->add_option("-j", line.drill.jobs, "so many scripts at a time")->check(CLI::PositiveNumber);
  drill->allow_extras();
  drill->footer(
      "SCRIPT... are files or folders; packetdrill's options, such as --ip_version=ipv6,\n"
      "--tolerance_usecs=N and --define=NAME=VALUE, are understood (docs/drill.md).");
  drill->callback([&line, drill] {
    for (const std::string& word : drill->remaining()) {
      const bool option = word.size() > 1 && word[0] == '-';
      (option ? line.drill.options : line.drill.scripts).push_back(word);
    }
    if (line.drill.scripts.empty()) throw CLI::RequiredError("SCRIPT");
    line.status = drill_command(line.drill);
  });
}

}  // namespace
}  // namespace stackyard

int main(int argc, char** argv) {
  using namespace stackyard;
  CLI::App app{"A network laboratory: labs of machines with complete FreeBSD-style stacks."};
  app.require_subcommand(1);
  app.set_version_flag("--version", "stackyard " STACKYARD_VERSION);
  CommandLine line;
  add_run_and_validate(app, line);
  add_console(app, line);
  add_serve_and_its_clients(app, line);
  add_gui(app, line);
  add_drill(app, line);
  CLI11_PARSE(app, argc, argv);
  return line.status;
}
