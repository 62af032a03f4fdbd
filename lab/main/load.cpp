#include "lab/main/load.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "lab/build/lab.h"
#include "lab/spec/problems.h"

namespace stackyard {

std::optional<LoadedLab> load_lab(const std::string& path, const std::vector<std::string>& set) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    return std::nullopt;
  }
  std::ostringstream content;
  content << file.rdbuf();
  ReadOptions options;
  options.folder = std::filesystem::path(path).parent_path().string();
  if (options.folder.empty()) options.folder = ".";
  for (const std::string& assignment : set) {
    const size_t equals = assignment.find('=');
    if (equals == assignment.npos) {
      std::fprintf(stderr, "--set %s: write NAME=VALUE\n", assignment.c_str());
      return std::nullopt;
    }
    options.set[assignment.substr(0, equals)] = assignment.substr(equals + 1);
  }
  return load_lab({content.str(), path, options});
}

std::optional<LoadedLab> load_lab(LabSource source) {
  Problems problems;
  LabSpec lab = read_lab(source.content, source.name, source.options, problems);
  if (!problems.any_errors()) check_against_build(lab, problems);
  std::fputs(problems.text(source.name).c_str(), stderr);
  if (problems.any_errors()) return std::nullopt;
  return LoadedLab{std::move(lab), std::move(source)};
}

bool write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.flush();
  if (file) return true;
  std::fprintf(stderr, "%s: cannot be written\n", path.c_str());
  return false;
}

}  // namespace stackyard
