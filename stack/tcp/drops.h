// stack/tcp/drops.h - why TCP drops a segment.
#pragma once

#include "core/wire/drops.h"

namespace stackyard::drops {

inline constexpr DropReason no_listener{"no_listener", "no socket is bound to the port"};
inline constexpr DropReason bad_ends{"bad_ends", "a group, or its own sender, cannot be an end"};
inline constexpr DropReason listen_overflow{"listen_overflow",
                                            "the listener's queue of connections was full"};
inline constexpr DropReason syncache_full{"syncache_full", "too many connections were half open"};
inline constexpr DropReason unexpected_segment{"unexpected_segment",
                                               "such a segment means nothing in this state"};
inline constexpr DropReason bad_ack{"bad_ack", "it acknowledges what was never sent, or long ago"};
inline constexpr DropReason old_timestamp{"old_timestamp", "its timestamp is in the past (PAWS)"};
inline constexpr DropReason no_timestamp{"no_timestamp",
                                         "the timestamp that was agreed is missing"};
inline constexpr DropReason duplicate_data{"duplicate_data", "all of it was received before"};
inline constexpr DropReason beyond_window{"beyond_window", "it lies outside the receive window"};
inline constexpr DropReason bad_reset{"bad_reset", "a reset without the exact sequence number"};
inline constexpr DropReason bad_syn{"bad_syn", "a SYN in the middle of a connection"};
inline constexpr DropReason after_close{"after_close", "data for a socket that was closed"};
inline constexpr DropReason no_signature{"no_signature",
                                         "the socket wants signed segments, and it is not"};
inline constexpr DropReason bad_signature{"bad_signature",
                                          "its signature is not that of a known key"};
inline constexpr DropReason reassembly_full{"reassembly_full",
                                            "too many gaps are waiting to be filled"};

}  // namespace stackyard::drops
