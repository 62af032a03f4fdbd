// lab/main/main.cpp - the `stackyard` program.
#include <CLI/CLI.hpp>

#include "lab/main/commands.h"

int main(int argc, char** argv) {
  using namespace stackyard;
  CLI::App app{"A network laboratory: labs of machines with complete FreeBSD-style stacks."};
  app.require_subcommand(1);
  app.set_version_flag("--version", "stackyard " STACKYARD_VERSION);
  int status = 0;
  std::vector<std::string> set;

  RunArguments run;
  CLI::App* run_app = app.add_subcommand("run", "Run a lab headless, with its events and checks");
  run_app->add_option("LAB", run.lab, "the lab file")->required();
  run_app->add_option("--until", run.until, "end at this simulated time: 10s");
  run_app->add_option("--seed", run.seed, "instead of the file's seed");
  run_app->add_option("--pace", run.pace, "fast, or so many simulated seconds in a real one: 1x");
  run_app->add_option("--out", run.out, "folder of the captures")->capture_default_str();
  run_app->add_flag("--json", run.json, "one JSON report on standard output");
  run_app->add_option("--junit", run.junit, "write the checks as JUnit to this file");
  run_app->add_option("--trace", run.trace, "write every frame, drop and log line to this file");
  run_app->add_option("--set", set, "NAME=VALUE: a variable of the lab")->allow_extra_args(false);
  run_app->add_option("--partitions", run.partitions,
                      "shuffled executor: so many partitions, the same result");
  run_app->add_option("--shuffle", run.shuffle, "seed of the shuffled executor");
  run_app->callback([&] {
    run.set = set;
    status = run_command(run);
  });

  std::vector<std::string> labs;
  bool addresses = false;
  CLI::App* validate = app.add_subcommand("validate", "Check lab files without running them");
  validate->add_option("LAB", labs, "lab files")->required();
  validate->add_flag("--addresses", addresses, "print the addressing");
  validate->add_option("--set", set, "NAME=VALUE: a variable of the lab")->allow_extra_args(false);
  validate->callback([&] { status = validate_command(labs, addresses, set); });

  ConsoleArguments console;
  std::vector<std::string> lab_and_node;
  CLI::App* console_app = app.add_subcommand("console", "A shell on a machine of a lab");
  console_app->add_option("LAB", lab_and_node, "a lab file, and a machine; else the first one")
      ->option_text("[LAB] [NODE]")
      ->expected(0, 2);
  console_app->add_option("--socket", console.socket, "of a served lab, instead of LAB");
  console_app->add_option("--pace", console.pace,
                          "of LAB: 1x for who types, else lockstep; 10x, fast");
  console_app->add_option("-c", console.command, "run this command and exit with its status");
  console_app->add_option("--set", set, "NAME=VALUE: a variable of the lab")
      ->allow_extra_args(false);
  console_app->callback([&] {
    console.set = set;
    auto word = lab_and_node.begin();
    if (console.socket.empty() && word != lab_and_node.end()) console.lab = *word++;
    if (word != lab_and_node.end()) console.node = *word;
    status = console_command(console);
  });

  ServeArguments serve;
  CLI::App* serve_app = app.add_subcommand("serve", "Run a lab for clients: exec, console, shims");
  serve_app->add_option("LAB", serve.lab, "the lab file")->required();
  serve_app->add_option("--socket", serve.socket, "where clients find it; else STACKYARD_SOCKET");
  serve_app->add_option("--pace", serve.pace, "1x, 10x, lockstep, fast or paused");
  serve_app->add_option("--seed", serve.seed, "instead of the file's seed");
  serve_app->add_option("--out", serve.out, "folder of the captures")->capture_default_str();
  serve_app->add_option("--trace", serve.trace,
                        "write every frame, drop and log line to this file");
  serve_app->add_option("--journal", serve.journal, "write what comes from outside to this file");
  serve_app->add_option("--set", set, "NAME=VALUE: a variable of the lab")->allow_extra_args(false);
  serve_app->callback([&] {
    serve.set = set;
    status = serve_command(serve);
  });

  std::string journal;
  CLI::App* replay = app.add_subcommand("replay", "Run again what a journal of serve has");
  replay->add_option("JOURNAL", journal, "written by serve --journal")->required();
  replay->add_option("--out", serve.out, "folder of the captures")->capture_default_str();
  replay->add_option("--trace", serve.trace, "write every frame, drop and log line to this file");
  replay->callback([&] { status = replay_command(journal, serve); });

  std::string socket, at, folder;
  std::vector<std::string> words;
  CLI::App* exec = app.add_subcommand("exec", "Run a command in a served lab");
  exec->add_option("--socket", socket, "of the lab; else STACKYARD_SOCKET");
  exec->add_option("NODE", at, "the machine, or MACHINE/JAIL")->required();
  exec->add_option("CMD", words, "the command, behind --")->required();
  exec->callback([&] { status = exec_command(socket, at, words); });

  CLI::App* shims = app.add_subcommand("shims", "Fill a folder with the commands of a served lab");
  shims->add_option("DIR", folder, "put it first on PATH")->required();
  shims->callback([&] { status = shims_command(folder); });

  CLI11_PARSE(app, argc, argv);
  return status;
}
