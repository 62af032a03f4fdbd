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

  std::string lab, node, command;
  CLI::App* console = app.add_subcommand("console", "A shell on a machine of a lab");
  console->add_option("LAB", lab, "the lab file")->required();
  console->add_option("NODE", node, "the machine; else the first");
  console->add_option("-c", command, "run this command and exit with its status");
  console->add_option("--set", set, "NAME=VALUE: a variable of the lab")->allow_extra_args(false);
  console->callback([&] { status = console_command(lab, node, command, set); });

  CLI11_PARSE(app, argc, argv);
  return status;
}
