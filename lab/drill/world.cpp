#include "lab/drill/world.h"

#include "core/base/text.h"
#include "lab/catalog/catalog.h"
#include "stack/inet/api/inet_requests.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/net/api/interface_requests.h"
#include "stack/net/net_stack.h"
#include "stack/net/route_family.h"

namespace stackyard::drill {

World::World(const Settings& settings)
    : places_(places_of(settings)), modules_(stack_modules()), commands_(machine_commands()) {
  Node& node = simulation_.add_node("drill");
  site_ = std::make_unique<Site>(simulation_, node, locale_);
  simulation_.after_batch = [this] { Tracer::drain({&locale_.tracer}, {&trace_}); };
  if (settings.trace) {
    trace_text_ = ConnectionTrace::head();
    locale_.tracer.want_connections(true);
  }
  act([&] {
    machine_ = std::make_unique<Machine>(*site_, "drill", MachineParts{modules_, commands_});
    configure(settings);
    start_process();
  });
  // The process waits for its first order, and timestamps are not near zero.
  while (simulation_.now() < 1_s) simulation_.run_until(1_s);
  sniffed_.clear();
  start_ = simulation_.reached();
}

World::~World() {
  simulation_.after_batch = nullptr;
  if (tun_) tun_->remove_waiter(*this);
  tun_.reset();
  machine_.reset();
  simulation_.discard_events();
}

// Something from outside, 1 ns after everything that has begun.
void World::act(const std::function<void()>& action) {
  const SimTime when = simulation_.reached() + 1_ns;
  simulation_.at_barrier(when, EventKind::outside, action);
  while (simulation_.now() < when && !simulation_.stopped()) simulation_.run_until(when);
}

// ifconfig tun0 LOCAL/LENGTH GATEWAY mtu N up; route add REMOTE GATEWAY.
void World::configure(const Settings& settings) {
  Vnet& vnet = machine_->vnet();
  tun_ = *vnet.open_device("tun0", 1);
  tun_->add_waiter(*this);
  const auto done = [](const Result<>& result, const char* what) {
    if (!result) throw Failure{1, text("{}: {}", what, errno_text(result.error()))};
  };
  SetInterface up;
  up.name = "tun0";
  up.mtu = settings.mtu ? settings.mtu : 1500;
  up.up = true;
  done(vnet.request(up), "tun0");
  if (settings.version == Settings::Version::mapped)
    done(vnet.set_sysctl("net.inet6.ip6.v6only", "0"), "net.inet6.ip6.v6only");
  if (places_.local.is_v4()) {
    AddAddress address;
    address.interface = "tun0";
    address.address = {places_.local.v4(), places_.local_length};
    address.second = places_.gateway.v4();
    done(vnet.request(address), "the local address");
    return add_route();
  }
  SetNdFlags enable;
  enable.interface = "tun0";
  enable.clear = nd6_flag::disabled;
  done(vnet.request(enable), "tun0");
  AddAddress6 address;
  address.interface = "tun0";
  address.address = {places_.local.v6(), places_.local_length};
  address.flags = in6_flag::no_dad;
  done(vnet.request(address), "the local address");
  add_route();
}

void World::add_route() {
  RouteFamily* family =
      machine_->vnet().state<NetStack>(net_module).route_family(places_.remote.address.family());
  RouteChange route{.dest = places_.remote.canonical(), .flags = route_flag::static_};
  route.gateway = places_.gateway;
  const Result<RouteView> made =
      family ? family->add_route(route) : Result<RouteView>(Errno::eafnosupport);
  if (!made) throw Failure{1, text("the route: {}", errno_text(made.error()))};
}

// Reads a line, makes the call that waits, and so on.
void World::start_process() {
  orders_ = std::make_shared<SourceFile>();
  RunRequest request;
  request.args = {"drill"};
  request.input = orders_;
  request.program = [this](Sys& sys, Args) -> Task<int> {
    sys.set_signal(Signal::pipe, SignalAction::ignore);
    for (;;) {
      const std::string order = co_await sys.read(fd_in, 1).or_err(1, "read");
      if (order.empty()) co_return 0;
      co_await work_(*process_);
      calling_ = false;
      call_ended_ = now();
      simulation_.interrupt();
    }
  };
  process_ = &machine_->run(std::move(request));
}

void World::file_changed() {
  for (;;) {
    const Result<std::string> packet = tun_->read(65536);
    if (!packet) return;
    const Bytes octets = bytes_of(*packet);
    sniffed_.push_back({simulation_.reached() - start_, {octets.begin(), octets.end()}});
    simulation_.interrupt();
  }
}

void World::run_to(SimTime when) {
  while (simulation_.now() < start_ + when && !simulation_.stopped())
    simulation_.run_until(start_ + when);
}

void World::wait_for_packet(SimTime limit) {
  while (sniffed_.empty() && simulation_.now() < start_ + limit && !simulation_.stopped()) {
    if (simulation_.next_time() == SimTime::max()) return;
    simulation_.run_until(start_ + limit);
  }
}

void World::inject(const std::vector<uint8_t>& octets) {
  act([&] { (void)tun_->write(octets); });
}

int World::run_command(const std::string& line, std::string& output) {
  std::optional<int> status;
  act([&] {
    RunRequest request;
    request.args = {"sh", "-c", line};
    request.output = SinkFile::to([&](Bytes o) { output += text_of(o); });
    request.errors = request.output;
    request.on_exit = [&](int s) {
      status = s;
      simulation_.interrupt();
    };
    machine_->run(std::move(request));
  });
  const SimTime limit = simulation_.reached() + 3600_s;
  while (!status && simulation_.now() < limit && !simulation_.stopped())
    simulation_.run_until(limit);
  return status.value_or(-1);
}

bool World::run_call(Work work, SimTime limit) {
  work_ = std::move(work);
  calling_ = true;
  act([&] { orders_->feed("."); });
  return finish_call(limit);
}

bool World::finish_call(SimTime limit) {
  while (calling_ && simulation_.now() < start_ + limit && !simulation_.stopped())
    simulation_.run_until(start_ + limit);
  return !calling_;
}

}  // namespace stackyard::drill
