// core/offload/checksum_offload.h - what a NIC does for a stack: computing checksums late.
#pragma once

#include "core/packet/packet.h"

namespace stackyard {

// Computes and stores the packet's deferred checksum, if it has one. Needed before octets are
// changed, fragmented, quoted, shown to a raw socket or a capture, or leave through a door.
void finish_checksum(Packet& packet);

}  // namespace stackyard
