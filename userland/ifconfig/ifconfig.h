// userland/ifconfig/ifconfig.h - what the kinds of interfaces add to ifconfig(8): keywords and
// lines of the status.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/address6.h"
#include "stack/net/api/interface_requests.h"
#include "stack/sys/sys.h"

namespace stackyard {

using Words = std::vector<std::string>;

// What err(3) prints behind the program's name; empty: nothing went wrong.
using Complaint = std::string;
Complaint complaint(const std::string& what, Errno error);  // err(1, what)
// Of calls where ifconfig has words of its own: "up: permission denied".
Complaint short_complaint(const std::string& what, Errno error);

// The words of one command line at work on one interface, from left to right.
struct IfconfigRun {
  Sys& sys;
  std::string name;         // of the interface; create and name change it
  bool creating = false;    // until the first word that is not for the cloner
  bool announce = false;    // the name is printed at the end
  CloneParams clone = {};   // vlan's
  std::string family;       // "inet" unless a word said otherwise
  std::string output = {};  // what keywords print
  std::vector<Complaint (*)(IfconfigRun&)> at_end = {};  // what waits for the last word

  struct InetWords {  // addresses come last: they depend on the flags
    std::optional<Ipv4Prefix> address;
    bool with_length = false;
    std::optional<Ipv4Address> second;  // of a point-to-point link, or the broadcast address
    std::optional<uint8_t> mask_length;
    bool alias = false, remove = false;  // of either family
  } inet = {};
  struct Inet6Words {
    std::optional<Ipv6Address> address;
    std::optional<uint8_t> length;
    uint32_t flags = 0;                                       // in6_flag
    uint32_t preferred_s = UINT32_MAX, valid_s = UINT32_MAX;  // infinite
  } inet6 = {};
};

struct Keyword {
  const char* name;
  int arguments;
  Complaint (*apply)(IfconfigRun& run, const Words& words);  // words[0] is the keyword
  bool creates = false;                                      // meant for the cloner
};

struct ShowOptions {
  bool media = false, driver = false, verbose = false, lifetimes = false;
  std::string inet_format, inet6_format, ether_format;
};

// `status` gives the lines of one interface; those that are not of the kind get none.
struct IfconfigKind {
  std::span<const Keyword> keywords;
  std::string (*status)(Sys& sys, const InterfaceInfo& interface, const ShowOptions& show);
};

extern const IfconfigKind generic_kind, options_kind, link_kind, inet_kind, groups_kind, media_kind;
extern const IfconfigKind bridge_kind, vlan_kind;
extern const IfconfigKind inet6_kind, nd_kind;

// What a vlan is told at its creation fits together, and its name: "em0.5".
Complaint check_vlan_name(IfconfigRun& run);
// A word that is no keyword: an address of the run's family.
Complaint apply_address(IfconfigRun& run, const std::string& word);
Complaint apply_link_address(IfconfigRun& run, const std::string& word);
Complaint apply_inet6_address(IfconfigRun& run, const std::string& word);
Complaint finish_inet(IfconfigRun& run);
Complaint finish_inet6(IfconfigRun& run);
// Sets what `change` says, of the run's interface.
Complaint set_interface(IfconfigRun& run, SetInterface change, const std::string& what);
// strtoul(3)'s idea of a number, up to `most`.
std::optional<int64_t> number_of(const std::string& word, int64_t most);
std::string bits_text(uint32_t bits, std::span<const std::pair<uint32_t, const char*>> names);

}  // namespace stackyard
