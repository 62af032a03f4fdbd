#include "core/base/errno.h"

namespace stackyard {

std::string_view errno_text(Errno error) {
  switch (error) {
    case Errno::ok: return "No error: 0";
    case Errno::eperm: return "Operation not permitted";
    case Errno::enoent: return "No such file or directory";
    case Errno::esrch: return "No such process";
    case Errno::eintr: return "Interrupted system call";
    case Errno::eio: return "Input/output error";
    case Errno::enxio: return "Device not configured";
    case Errno::e2big: return "Argument list too long";
    case Errno::enoexec: return "Exec format error";
    case Errno::ebadf: return "Bad file descriptor";
    case Errno::echild: return "No child processes";
    case Errno::enomem: return "Cannot allocate memory";
    case Errno::eacces: return "Permission denied";
    case Errno::ebusy: return "Device busy";
    case Errno::eexist: return "File exists";
    case Errno::enotdir: return "Not a directory";
    case Errno::eisdir: return "Is a directory";
    case Errno::einval: return "Invalid argument";
    case Errno::emfile: return "Too many open files";
    case Errno::efbig: return "File too large";
    case Errno::enospc: return "No space left on device";
    case Errno::espipe: return "Illegal seek";
    case Errno::epipe: return "Broken pipe";
    case Errno::edom: return "Numerical argument out of domain";
    case Errno::eagain: return "Resource temporarily unavailable";
    case Errno::einprogress: return "Operation now in progress";
    case Errno::enotsock: return "Socket operation on non-socket";
    case Errno::edestaddrreq: return "Destination address required";
    case Errno::emsgsize: return "Message too long";
    case Errno::eprototype: return "Protocol wrong type for socket";
    case Errno::enoprotoopt: return "Protocol not available";
    case Errno::eprotonosupport: return "Protocol not supported";
    case Errno::eopnotsupp: return "Operation not supported";
    case Errno::eafnosupport: return "Address family not supported by protocol family";
    case Errno::eaddrinuse: return "Address already in use";
    case Errno::eaddrnotavail: return "Can't assign requested address";
    case Errno::enetdown: return "Network is down";
    case Errno::enetunreach: return "Network is unreachable";
    case Errno::econnaborted: return "Software caused connection abort";
    case Errno::econnreset: return "Connection reset by peer";
    case Errno::enobufs: return "No buffer space available";
    case Errno::eisconn: return "Socket is already connected";
    case Errno::enotconn: return "Socket is not connected";
    case Errno::etimedout: return "Operation timed out";
    case Errno::econnrefused: return "Connection refused";
    case Errno::eloop: return "Too many levels of symbolic links";
    case Errno::enametoolong: return "File name too long";
    case Errno::ehostdown: return "Host is down";
    case Errno::ehostunreach: return "No route to host";
    case Errno::enotempty: return "Directory not empty";
    case Errno::enosys: return "Function not implemented";
  }
  return "Unknown error";
}

}  // namespace stackyard
