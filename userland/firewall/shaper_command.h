// userland/firewall/shaper_command.h - "pipe 1 config bw 1Mbit/s": what ipfw(8) and dnctl(8) share.
#pragma once

#include "stack/dummynet/api/dummynet_requests.h"
#include "stack/sys/sys.h"

namespace stackyard {

// "pipe", "queue", "sched" and their abbreviations; nothing: it is another word.
std::optional<ShapedKind> shaped_kind(std::string_view word);
// `words` behind the kind: "1 config ...", "config 1 ...", "show", "delete 1", "flush".
Task<int> run_shaper(Sys& sys, ShapedKind what, std::vector<std::string> words);

}  // namespace stackyard
