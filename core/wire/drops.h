// core/wire/drops.h - what can be wrong with octets that claim to be a header.
#pragma once

#include "core/base/drop.h"

namespace stackyard::drops {

inline constexpr DropReason truncated{"truncated", "the packet ends inside a header"};
inline constexpr DropReason bad_version{"bad_version", "the version field is wrong"};
inline constexpr DropReason bad_length{"bad_length", "a length field contradicts the packet"};
inline constexpr DropReason bad_checksum{"bad_checksum", "the checksum is wrong"};
inline constexpr DropReason bad_field{"bad_field", "a field has a value that is not allowed"};
inline constexpr DropReason bad_option{"bad_option", "an option is malformed"};

}  // namespace stackyard::drops
