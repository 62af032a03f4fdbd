#include "userland/lib/enter_jail.h"

#include "core/base/text.h"

namespace stackyard {

std::string enter_jail(Sys& sys, const std::string& jail) {
  const JailParams by_jid{{"jid", jail}}, by_name{{"name", jail}};
  const auto found = sys.jail_get(parse_int(jail) ? by_jid : by_name);
  if (!found) return text("jail \"{}\" not found", jail);
  const auto jid = parse_int(*jail_param(*found, "jid"));
  if (!jid || !sys.jail_attach(int(*jid))) return "cannot attach to jail";
  return "";
}

}  // namespace stackyard
