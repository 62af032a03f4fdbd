// core/base/errno.h - FreeBSD's error numbers and texts (errno(2), sys/errno.h).
#pragma once

#include <string_view>

namespace stackyard {

enum class Errno : int {
  ok = 0,
  eperm = 1,
  enoent = 2,
  esrch = 3,
  eintr = 4,
  eio = 5,
  enxio = 6,
  e2big = 7,
  enoexec = 8,
  ebadf = 9,
  echild = 10,
  enomem = 12,
  eacces = 13,
  ebusy = 16,
  eexist = 17,
  enotdir = 20,
  eisdir = 21,
  einval = 22,
  emfile = 24,
  efbig = 27,
  enospc = 28,
  espipe = 29,
  epipe = 32,
  edom = 33,
  eagain = 35,
  einprogress = 36,
  ealready = 37,
  enotsock = 38,
  edestaddrreq = 39,
  emsgsize = 40,
  eprototype = 41,
  enoprotoopt = 42,
  eprotonosupport = 43,
  eopnotsupp = 45,
  eafnosupport = 47,
  eaddrinuse = 48,
  eaddrnotavail = 49,
  enetdown = 50,
  enetunreach = 51,
  econnaborted = 53,
  econnreset = 54,
  enobufs = 55,
  eisconn = 56,
  enotconn = 57,
  etimedout = 60,
  econnrefused = 61,
  eloop = 62,
  enametoolong = 63,
  ehostdown = 64,
  ehostunreach = 65,
  enotempty = 66,
  enosys = 78,
};

// strerror(3)'s words: "No such file or directory".
std::string_view errno_text(Errno error);

}  // namespace stackyard
