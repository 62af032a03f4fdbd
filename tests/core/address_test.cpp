#include <catch2/catch.hpp>

#include "core/base/ip_address.h"
#include "core/wire/net/ip_pseudo.h"

using namespace stackyard;

TEST_CASE("IPv6 addresses are written as RFC 5952 says, and every form is read") {
  struct Row {
    const char* in;
    const char* out;  // null: it is none
  };
  const Row rows[] = {{"::", "::"},
                      {"::1", "::1"},
                      {"1::", "1::"},
                      {"2001:db8:0:0:0:0:0:1", "2001:db8::1"},
                      {"2001:DB8::AbCd", "2001:db8::abcd"},
                      {"2001:0db8:0000:0001:0:0:0:0001", "2001:db8:0:1::1"},
                      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // s4.2.2: one is not cut
                      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // s4.2.3: the longest
                      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // the first of equals
                      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
                      {"::ffff:c000:201", "::ffff:192.0.2.1"},
                      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
                      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
                      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
                      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
                      {"", nullptr},
                      {":", nullptr},
                      {":::", nullptr},
                      {"1::2::3", nullptr},
                      {"1:2:3:4:5:6:7", nullptr},
                      {"1:2:3:4:5:6:7:8:9", nullptr},
                      {"1:2:3:4:5:6:7::8", nullptr},
                      {"12345::", nullptr},
                      {"g::", nullptr},
                      {"::1.2.3", nullptr},
                      {"::1.2.3.256", nullptr},
                      {"1.2.3.4::", nullptr},
                      {"::1%em0", nullptr},
                      {" ::1", nullptr}};
  for (const Row& row : rows) {
    INFO(row.in);
    const auto address = parse_ipv6(row.in);
    REQUIRE(bool(address) == bool(row.out));
    if (address) CHECK(to_text(*address) == row.out);
    if (address) CHECK(parse_ipv6(to_text(*address)) == address);
  }
}

TEST_CASE("zones are parsed, kept inside an address, and never shown") {
  const auto zoned = parse_zoned("fe80::1%em0");
  REQUIRE(zoned);
  CHECK(zoned->zone == "em0");
  const Ipv6Address inside = zoned->address.with_zone(3);
  CHECK(inside.zone() == 3);
  CHECK(inside != zoned->address);
  CHECK(inside.without_zone() == zoned->address);
  CHECK(to_text(inside) == "fe80::1");
  CHECK_FALSE(parse_zoned("2001:db8::1%em0"));
  CHECK_FALSE(parse_zoned("fe80::1%"));
  CHECK(parse_ipv6("2001:db8::1")->with_zone(3).zone() == 0);
  CHECK(parse_ipv6("ff02::1")->has_zone());
  CHECK_FALSE(parse_ipv6("ff05::1")->has_zone());
  CHECK(parse_ipv6("fe80::12:3456")->with_zone(2).solicited_node().zone() == 2);
  // The checksum is over what is on the wire.
  const Ipv6Address dest = *parse_ipv6("ff02::1");
  CHECK(ipv6_pseudo_sum(inside, dest.with_zone(3), 17, 9) ==
        ipv6_pseudo_sum(zoned->address, dest, 17, 9));
}

TEST_CASE("prefixes of both families contain, overlap and are made canonical") {
  const auto net = parse_ipv6_prefix("2001:db8:1:2:3::4/61");
  REQUIRE(net);
  CHECK(to_text(net->canonical()) == "2001:db8:1::/61");
  CHECK(net->contains(*parse_ipv6("2001:db8:1:7::")));
  CHECK_FALSE(net->contains(*parse_ipv6("2001:db8:1:8::")));
  CHECK(parse_ipv6_prefix("::/0")->contains(*parse_ipv6("ffff::1")));
  CHECK_FALSE(parse_ipv6_prefix("::/129"));
  CHECK_FALSE(parse_ipv6_prefix("::/-1"));
  CHECK_FALSE(parse_ipv6_prefix("::/0x10"));
  CHECK(parse_ip_prefix("10.0.0.0/8")->contains(*parse_ip("10.9.9.9")));
  CHECK_FALSE(parse_ip_prefix("0.0.0.0/0")->contains(*parse_ip("::1")));
}

TEST_CASE("an address of either family knows which it is, and orders by family and number") {
  const IpAddress four = *parse_ip("10.0.0.1"), six = *parse_ip("::a00:1");
  CHECK(four.is_v4());
  CHECK(six.is_v6());
  CHECK(four != six);
  CHECK(four < six);
  CHECK(*parse_ip("9.0.0.0") < four);
  CHECK(IpAddress().is_any());
  CHECK(IpAddress::any(IpFamily::v6).is_any());
  CHECK(IpAddress() != IpAddress::any(IpFamily::v6));
  CHECK(four.v4().value == 0x0a000001);
  CHECK(to_text(six) == "::a00:1");
  CHECK(to_text(ethernet_group(*parse_ipv6("ff02::1:ff12:3456"))) == "33:33:ff:12:34:56");
  CHECK(to_text(with_eui64(*parse_ipv6("fe80::"), *parse_mac("02:00:00:00:00:01"))) ==
        "fe80::ff:fe00:1");
}
