#include "userland/lib/pid_file.h"

#include "core/base/text.h"

namespace stackyard {

Task<void> write_pid_file(Sys& sys, std::string file) {
  const Result<Fd> fd = co_await sys.open(file, OpenMode::write);
  if (!fd) co_return;
  co_await sys.write(*fd, text("{}\n", sys.pid()));
  co_await sys.close(*fd);
}

}  // namespace stackyard
