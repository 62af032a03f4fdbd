#include "stack/kern/local_sockets.h"

#include <algorithm>

#include "stack/kern/open_file.h"

namespace stackyard {

// A socket can be reached when a file of it is held by something else than messages in flight, or
// when a message holds it that waits at a socket which can be reached. Everything else is garbage.
void LocalSockets::collect() {
  if (in_flight_ == 0) return;
  struct Flying {
    const OpenFile* file;
    LocalSocketOps* socket;  // of that file; null: no unix-domain socket
    LocalSocketOps* at;      // in whose queue
    long others;             // holders that are no messages
  };
  std::vector<Flying> flying;
  for (LocalSocketOps* at : sockets_) {
    at->visit_files([&](const std::shared_ptr<OpenFile>& file) {
      SocketOps* socket = file->socket();
      flying.push_back({file.get(), socket ? socket->local() : nullptr, at, file.use_count()});
    });
  }
  for (Flying& f : flying)
    f.others -= std::count_if(flying.begin(), flying.end(),
                              [&](const Flying& other) { return other.file == f.file; });

  std::vector<LocalSocketOps*> lost;
  for (const Flying& f : flying)
    if (f.socket && f.others == 0 && std::find(lost.begin(), lost.end(), f.socket) == lost.end())
      lost.push_back(f.socket);
  const auto is_lost = [&](LocalSocketOps* s) {
    return std::find(lost.begin(), lost.end(), s) != lost.end();
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const Flying& f : flying)
      if (f.socket && !is_lost(f.at) && is_lost(f.socket)) {
        std::erase(lost, f.socket);
        changed = true;
      }
  }
  // Freed together at the end: each may take others of the list along.
  LocalSocketOps::Files freed;
  for (LocalSocketOps* socket : lost)
    for (auto& file : socket->take_files()) freed.push_back(std::move(file));
}

void LocalSockets::clear() {
  LocalSocketOps::Files freed;
  for (LocalSocketOps* socket : sockets_)
    for (auto& file : socket->take_files()) freed.push_back(std::move(file));
}

}  // namespace stackyard
