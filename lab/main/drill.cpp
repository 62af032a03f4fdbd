// lab/main/drill.cpp - `stackyard drill`: packet scripts, several at a time.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/base/text.h"
#include "lab/drill/runner.h"
#include "lab/main/commands.h"

namespace stackyard {

namespace {

using drill::Outcome;

// Folders stand for the scripts in them.
std::vector<std::string> scripts_of(const std::vector<std::string>& names) {
  std::vector<std::string> scripts;
  for (const std::string& name : names) {
    if (!std::filesystem::is_directory(name)) {
      scripts.push_back(name);
      continue;
    }
    std::vector<std::string> inside;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(name))
      if (entry.path().extension() == ".pkt") inside.push_back(entry.path().string());
    std::sort(inside.begin(), inside.end());
    scripts.insert(scripts.end(), inside.begin(), inside.end());
  }
  return scripts;
}

Outcome run_file(const std::string& path, const drill::Settings& settings) {
  std::ifstream file(path);
  if (!file) {
    Outcome missing;
    missing.kind = Outcome::Kind::failed;
    missing.reason = "No such file or directory";
    return missing;
  }
  std::stringstream content;
  content << file.rdbuf();
  return drill::run_script(content.str(), std::filesystem::path(path).parent_path().string(),
                           settings);
}

void print(const std::string& path, const Outcome& outcome) {
  constexpr const char* words[] = {"PASS", "FAIL", "SKIP"};
  std::fputs(outcome.said.c_str(), stdout);
  std::string line = text("{} {}", words[size_t(outcome.kind)], path);
  if (outcome.kind != Outcome::Kind::passed) line += text(":{}: {}", outcome.line, outcome.reason);
  std::puts(line.c_str());
}

}  // namespace

int drill_command(const DrillArguments& arguments) {
  drill::Settings settings;
  for (std::string option : arguments.options) {
    option.erase(0, option.find_first_not_of('-'));
    const size_t equals = std::min(option.find('='), option.size());
    const std::string value = equals < option.size() ? option.substr(equals + 1) : "";
    const std::string wrong = drill::apply_setting(settings, option.substr(0, equals), value);
    if (wrong.empty()) continue;
    std::fprintf(stderr, "stackyard drill: %s\n", wrong.c_str());
    return exit_status::invalid;
  }
  const std::vector<std::string> scripts = scripts_of(arguments.scripts);
  std::vector<Outcome> outcomes(scripts.size());
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < scripts.size(); i = next++)
      outcomes[i] = run_file(scripts[i], settings);
  };
  std::vector<std::thread> workers;
  for (unsigned i = 1; i < std::min<size_t>(arguments.jobs, scripts.size()); ++i)
    workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  size_t counts[3] = {};
  for (size_t i = 0; i < scripts.size(); ++i) {
    print(scripts[i], outcomes[i]);
    ++counts[size_t(outcomes[i].kind)];
  }
  std::printf("%zu passed, %zu failed, %zu skipped\n", counts[0], counts[1], counts[2]);
  return counts[1] ? exit_status::check_failed : exit_status::passed;
}

}  // namespace stackyard
