// lab/run/worker_edits.cpp - live edits of a served lab. Each happens at one instant, at a barrier.
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "lab/run/worker.h"
#include "lab/spec/problems.h"
#include "stack/net/net_stack.h"

namespace stackyard {

namespace {

[[noreturn]] void refuse(const Problems& problems) {
  throw RequestError{1, std::string(trim(problems.text("edit")))};
}

}  // namespace

// Reads the lab again with what was added, and lets it grow by that.
void Worker::grow(const std::string& yaml) {
  LabSource next = source_;
  next.options.additions.push_back(yaml);
  Problems problems;
  LabSpec spec = read_lab(next.content, next.name, next.options, problems);
  if (!problems.any_errors()) check_against_build(spec, problems);
  if (problems.any_errors()) refuse(problems);
  const std::string wrong = session_.lab().grow(std::move(spec));
  if (!wrong.empty()) throw RequestError{1, wrong};
  source_ = std::move(next);
}

// {"yaml": "nodes: {pc9: {}}\nlinks: [sw1 -- pc9]"}
Json Worker::edit_add(uint32_t, const Json& params) {
  grow(params.at("yaml").get<std::string>());
  return Json::object();
}

Json Worker::edit_remove(uint32_t, const Json& params) {
  const size_t node = node_named(params);
  const NodeSpec& spec = session_.lab().spec().nodes[node];
  if (spec.is_jail()) throw RequestError{1, text("{} is a jail: use jail -r", spec.name)};
  session_.lab().remove_node(node);
  return Json::object();
}

// {"link": "pc1 -- sw1"}, in the words of an item of `links`.
Json Worker::edit_connect(uint32_t, const Json& params) {
  grow("links: [" + params.at("link").get<std::string>() + "]");
  return {{"link", session_.lab().spec().links.back().name}};
}

Json Worker::edit_disconnect(uint32_t, const Json& params) {
  session_.lab().remove_link(link_named(params));
  return Json::object();
}

// {"link": "l1", "up": false, "impair": "{loss: 1%}"}: impairments on top of the file's.
Json Worker::edit_link(uint32_t, const Json& params) {
  Lab& lab = session_.lab();
  const size_t index = link_named(params);
  const LinkSpec& spec = lab.spec().links[index];
  Link& link = lab.link(index);
  if (params.contains("impair")) {
    Problems problems;
    const auto impairs =
        read_impairments(params["impair"].get<std::string>(), spec.ends.size(), problems);
    if (!impairs) refuse(problems);
    for (size_t e = 0; e < spec.ends.size(); ++e) {
      ImpairSpec is = lab.spec().impair(spec, e);
      is.merge((*impairs)[e]);
      link.set_impairments(e, impairments_of(is));
    }
  }
  if (params.contains("up")) link.set_up(params["up"].get<bool>());
  return Json::object();
}

// {"node": "srv/a", "interface": "em0", "to": "srv/b"}: within one machine.
Json Worker::edit_move(uint32_t, const Json& params) {
  const Place from = place(params.at("node").get<std::string>());
  const Place to = place(params.at("to").get<std::string>());
  if (from.machine != to.machine) throw RequestError{1, "an interface stays on its machine"};
  const std::string name = params.at("interface").get<std::string>();
  NetStack& net = from.jail->vnet().state<NetStack>(net_module);
  Ifnet* interface = net.find(name);
  if (!interface) throw RequestError{1, text("interface {} does not exist", name)};
  const Result<> moved = net.move(*interface, to.jail->vnet().state<NetStack>(net_module));
  if (!moved) throw RequestError{1, std::string(errno_text(moved.error()))};
  return Json::object();
}

}  // namespace stackyard
