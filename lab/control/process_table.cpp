#include "lab/control/process_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/base/random.h"
#include "core/base/text.h"

namespace stackyard {

namespace {

std::string read_proc(const std::string& path) {
  std::string content;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return content;
  char part[4096];
  for (ssize_t got; (got = read(fd, part, sizeof part)) > 0;) content.append(part, size_t(got));
  close(fd);
  return content;
}

std::vector<pid_t> numbers_in(const char* folder) {
  std::vector<pid_t> all;
  DIR* const open = opendir(folder);
  if (!open) return all;
  while (const dirent* entry = readdir(open))
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') all.push_back(std::atoi(entry->d_name));
  closedir(open);
  return all;
}

// Context switches of a thread; how often it has run.
uint64_t switches_of(const std::string& status) {
  uint64_t sum = 0;
  for (size_t at = 0; (at = status.find("ctxt_switches:", at)) != status.npos; ++at)
    sum += std::strtoull(status.c_str() + at + 14, nullptr, 10);
  return sum;
}

// Whether a thread's system call (proc(5), syscall) is one that the real clock ends.
bool waits_for_clock(const std::string& line) {
#if defined(__x86_64__)
  const auto words = split_words(line);
  if (words.size() < 7) return false;
  const auto argument = [&](size_t n) { return std::strtoull(words[n + 1].c_str(), nullptr, 16); };
  switch (std::atoi(words[0].c_str())) {
    case 35:   // nanosleep
    case 230:  // clock_nanosleep
      return true;
    case 7:  // poll: a timeout that is not negative
      return int32_t(argument(2)) >= 0;
    case 232:  // epoll_wait, epoll_pwait: the same
    case 281:
      return int32_t(argument(3)) >= 0;
    case 271:  // ppoll: a pointer to one
    case 128:  // rt_sigtimedwait
      return argument(2) != 0;
    case 202:  // futex
      return argument(3) != 0;
    case 23:  // select, pselect6
    case 270:
      return argument(4) != 0;
    default:
      return false;
  }
#else
  (void)line;
  return false;
#endif
}

}  // namespace

bool ProcessTable::read_stat(pid_t pid, Seen& seen) const {
  const std::string line = read_proc(text("/proc/{}/stat", pid));
  // The name, in parentheses, may hold anything.
  const size_t behind = line.rfind(')');
  if (behind == line.npos) return false;
  const auto words = split_words(line.substr(behind + 1));
  if (words.size() < 20) return false;
  seen.id = {pid, std::strtoull(words[19].c_str(), nullptr, 10)};
  seen.parent = std::atoi(words[1].c_str());
  seen.state = words[0][0];
  return true;
}

bool ProcessTable::has_mark(const ProcessId& id) {
  const auto known = marked_.find(id);
  if (known != marked_.end()) return known->second;
  const std::string all = '\0' + read_proc(text("/proc/{}/environ", id.pid));
  const bool marked = all.find('\0' + mark_ + '\0') != all.npos;
  // A fork has its parent's environment until it executes something: not to be remembered.
  if (marked) marked_[id] = true;
  return marked;
}

ProcessId ProcessTable::root_of(pid_t pid) {
  Seen seen;
  if (!read_stat(pid, seen)) return {};
  ProcessId root = seen.id;
  while (seen.parent > 1 && read_stat(seen.parent, seen))
    if (has_mark(seen.id)) root = seen.id;
  return root;
}

bool ProcessTable::lives(const ProcessId& id) const {
  Seen seen;
  return read_stat(id.pid, seen) && seen.id == id && seen.state != 'Z' && seen.state != 'X';
}

bool ProcessTable::is_quiet_output(pid_t pid, int fd, const ProcessId& root) const {
  struct stat mine {
  }, roots{};
  if (stat(text("/proc/{}/fd/{}", pid, fd).c_str(), &mine) != 0) return false;
  if (S_ISREG(mine.st_mode)) return true;
  if (S_ISCHR(mine.st_mode) && mine.st_rdev == makedev(1, 3)) return true;  // /dev/null
  return stat(text("/proc/{}/fd/1", root.pid).c_str(), &roots) == 0 &&
         mine.st_dev == roots.st_dev && mine.st_ino == roots.st_ino;
}

ProcessTable::Look ProcessTable::look() {
  Look look;
  std::map<pid_t, Seen> all;
  for (pid_t pid : numbers_in("/proc")) {
    Seen seen;
    if (read_stat(pid, seen)) all[pid] = seen;
  }
  look.readable = !all.empty();
  std::map<pid_t, bool> belongs;
  const auto decide = [&](auto& self, const Seen& seen) -> bool {
    const auto known = belongs.find(seen.id.pid);
    if (known != belongs.end()) return known->second;
    const bool outside = std::find(without_.begin(), without_.end(), seen.id.pid) != without_.end();
    belongs[seen.id.pid] = false;  // a parent that is its own descendant: not in this world
    const auto parent = all.find(seen.parent);
    bool in = !outside && parent != all.end() && self(self, parent->second);
    in = in || (!outside && has_mark(seen.id));
    return belongs[seen.id.pid] = in;
  };
  for (const auto& [pid, seen] : all) {
    if (!decide(decide, seen)) continue;
    const std::string tasks = text("/proc/{}/task", pid);
    for (pid_t task : numbers_in(tasks.c_str())) {
      const std::string folder = text("{}/{}/", tasks, task);
      const std::string status = read_proc(folder + "status");
      const size_t at = status.find("State:\t");
      const char state = at == status.npos ? 'X' : status[at + 7];
      look.all_asleep &= std::string_view("STtZXI").find(state) != std::string_view::npos;
      look.switches = mix(look.switches ^ mix(uint64_t(task) << 40 ^ switches_of(status)));
      look.real_sleepers |= waits_for_clock(read_proc(folder + "syscall"));
    }
  }
  std::erase_if(marked_, [&](const auto& entry) {
    const auto found = all.find(entry.first.pid);
    return found == all.end() || found->second.id != entry.first;
  });
  return look;
}

}  // namespace stackyard
