#include "core/base/errno.h"

namespace stackyard {

namespace {

struct ErrnoText {
  Errno error;
  std::string_view text;
};

constexpr ErrnoText texts[] = {
    {Errno::ok, "No error: 0"},
    {Errno::eperm, "Operation not permitted"},
    {Errno::enoent, "No such file or directory"},
    {Errno::esrch, "No such process"},
    {Errno::eintr, "Interrupted system call"},
    {Errno::eio, "Input/output error"},
    {Errno::enxio, "Device not configured"},
    {Errno::e2big, "Argument list too long"},
    {Errno::enoexec, "Exec format error"},
    {Errno::ebadf, "Bad file descriptor"},
    {Errno::echild, "No child processes"},
    {Errno::enomem, "Cannot allocate memory"},
    {Errno::eacces, "Permission denied"},
    {Errno::ebusy, "Device busy"},
    {Errno::eexist, "File exists"},
    {Errno::enotdir, "Not a directory"},
    {Errno::eisdir, "Is a directory"},
    {Errno::einval, "Invalid argument"},
    {Errno::emfile, "Too many open files"},
    {Errno::efbig, "File too large"},
    {Errno::enospc, "No space left on device"},
    {Errno::espipe, "Illegal seek"},
    {Errno::epipe, "Broken pipe"},
    {Errno::edom, "Numerical argument out of domain"},
    {Errno::eagain, "Resource temporarily unavailable"},
    {Errno::einprogress, "Operation now in progress"},
    {Errno::ealready, "Operation already in progress"},
    {Errno::enotsock, "Socket operation on non-socket"},
    {Errno::edestaddrreq, "Destination address required"},
    {Errno::emsgsize, "Message too long"},
    {Errno::eprototype, "Protocol wrong type for socket"},
    {Errno::enoprotoopt, "Protocol not available"},
    {Errno::eprotonosupport, "Protocol not supported"},
    {Errno::eopnotsupp, "Operation not supported"},
    {Errno::eafnosupport, "Address family not supported by protocol family"},
    {Errno::eaddrinuse, "Address already in use"},
    {Errno::eaddrnotavail, "Can't assign requested address"},
    {Errno::enetdown, "Network is down"},
    {Errno::enetunreach, "Network is unreachable"},
    {Errno::econnaborted, "Software caused connection abort"},
    {Errno::econnreset, "Connection reset by peer"},
    {Errno::enobufs, "No buffer space available"},
    {Errno::eisconn, "Socket is already connected"},
    {Errno::enotconn, "Socket is not connected"},
    {Errno::etimedout, "Operation timed out"},
    {Errno::econnrefused, "Connection refused"},
    {Errno::eloop, "Too many levels of symbolic links"},
    {Errno::enametoolong, "File name too long"},
    {Errno::ehostdown, "Host is down"},
    {Errno::ehostunreach, "No route to host"},
    {Errno::enotempty, "Directory not empty"},
    {Errno::enosys, "Function not implemented"},
};

}  // namespace

std::string_view errno_text(Errno error) {
  for (const ErrnoText& entry : texts)
    if (entry.error == error) return entry.text;
  return "Unknown error";
}

}  // namespace stackyard
