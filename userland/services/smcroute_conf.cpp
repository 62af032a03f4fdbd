#include "core/base/text.h"
#include "userland/services/smcroute.h"

namespace stackyard {

namespace {

using Words = std::vector<std::string>;

std::string parse_phyint(const Words& words, SmcConf& into) {
  if (words.size() < 3 || (words[2] != "enable" && words[2] != "disable"))
    return "phyint IF enable|disable [ttl-threshold N] [querier]";
  SmcInterface i;
  i.name = words[1];
  for (size_t at = 3; at < words.size(); ++at) {
    if (words[at] == "querier") {
      i.querier = true;
    } else if (words[at] == "ttl-threshold" && at + 1 < words.size()) {
      const auto n = parse_int(words[++at]);
      if (!n || *n < 1 || *n > 255) return text("bad ttl-threshold \"{}\"", words[at]);
      i.threshold = unsigned(*n);
    } else {
      return text("unknown word \"{}\"", words[at]);
    }
  }
  if (words[2] == "enable") into.interfaces.push_back(i);
  return "";
}

// "from IF group G [source S] [to IF ...]" behind the first word.
std::string parse_flow(const Words& words, SmcRoute& route) {
  for (size_t at = 1; at < words.size(); ++at) {
    const bool more = at + 1 < words.size();
    if (words[at] == "to") {
      route.to.assign(words.begin() + long(at) + 1, words.end());
      break;
    }
    if (!more) return text("nothing behind \"{}\"", words[at]);
    const std::string& value = words[at + 1];
    if (words[at] == "from") {
      route.from = value;
    } else if (words[at] == "group" || words[at] == "source") {
      const auto address = parse_ip(value);
      const bool fits = address && address->is_multicast() == (words[at] == "group");
      if (!fits) return text("\"{}\" is no {} address", value, words[at]);
      if (words[at] == "group")
        route.group = *address;
      else
        route.source = *address;
    } else {
      return text("unknown word \"{}\"", words[at]);
    }
    ++at;
  }
  if (route.from.empty() || !route.group.is_multicast()) return "from IF group G is needed";
  if (route.source && route.source->family() != route.group.family())
    return "source and group are of different families";
  return "";
}

}  // namespace

std::string parse_smcroute_line(const Words& words, SmcConf& into) {
  if (words.empty() || words[0][0] == '#') return "";
  if (words[0] == "phyint") return parse_phyint(words, into);
  if (words[0] != "mgroup" && words[0] != "mroute") return text("unknown word \"{}\"", words[0]);
  SmcRoute flow;
  if (std::string wrong = parse_flow(words, flow); !wrong.empty()) return wrong;
  if (words[0] == "mgroup") {
    if (!flow.to.empty()) return "mgroup has no \"to\"";
    into.groups.push_back({flow.from, flow.group, flow.source});
    return "";
  }
  if (flow.to.empty()) return "mroute needs \"to\" and interfaces";
  into.routes.push_back(flow);
  return "";
}

SmcConf parse_smcroute_conf(const std::string& content) {
  SmcConf conf;
  int number = 0;
  for (const std::string& line : split(content, '\n')) {
    ++number;
    const std::string wrong = parse_smcroute_line(split_words(line), conf);
    if (!wrong.empty() && conf.error.empty()) conf.error = text("line {}: {}", number, wrong);
  }
  return conf;
}

}  // namespace stackyard
