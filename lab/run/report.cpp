#include "lab/run/report.h"

#include <nlohmann/json.hpp>

#include "core/base/text.h"

namespace stackyard {

namespace {

int64_t points(const Session& session, bool reached) {
  int64_t sum = 0;
  for (const CheckResult& r : session.checks())
    if (!reached || r.verdict == Verdict::pass) sum += r.spec->points;
  return sum;
}

std::string escape_xml(const std::string& s) {
  std::string out;
  for (char c : s) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string report_text(const Session& session, const LabSpec& spec) {
  if (session.checks().empty()) return "";
  std::string out;
  for (const CheckResult& r : session.checks()) {
    const bool passed = r.verdict == Verdict::pass;
    out +=
        text("{} {:<16} {:>12}  {}\n",
             passed            ? "PASS"
             : r.spec->warning ? "WARN"
                               : "FAIL",
             r.spec->name, r.verdict == Verdict::not_reached ? "not reached" : short_text(r.time),
             r.evidence.words);
    const std::string& say = passed ? r.spec->pass : r.spec->fail;
    if (!say.empty()) out += text("     {}\n", say);
    if (!passed)
      for (const std::string& hint : r.spec->hints) out += text("     hint: {}\n", hint);
  }
  out += text("{}: {} of {} points\n", spec.name, points(session, true), points(session, false));
  return out;
}

std::string report_json(Session& session, const std::vector<OutputLine>& output) {
  nlohmann::ordered_json report;
  const LabSpec& spec = session.lab().spec();
  report["lab"] = spec.name;
  report["seed"] = session.lab().simulation().seed();
  report["end_ns"] = session.now().ns();
  report["events"] = session.lab().simulation().events_run();
  report["passed"] = session.checks_passed();
  report["failure"] = session.failure();
  report["checks"] = nlohmann::json::array();
  for (const CheckResult& r : session.checks())
    report["checks"].push_back({{"name", r.spec->name},
                                {"verdict", verdict_name(r.verdict)},
                                {"time_ns", r.time.ns()},
                                {"points", r.spec->points},
                                {"level", r.spec->warning ? "warning" : "error"},
                                {"evidence", r.evidence.words}});
  report["captures"] = session.captures().files();
  report["output"] = nlohmann::json::array();
  for (const OutputLine& line : output)
    report["output"].push_back(
        {{"time_ns", line.time.ns()}, {"node", spec.nodes[line.node].name}, {"text", line.text}});
  using Json = nlohmann::ordered_json;
  return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string report_junit(Session& session) {
  std::string cases;
  int failures = 0;
  const std::string lab = escape_xml(session.lab().spec().name);
  for (const CheckResult& r : session.checks()) {
    cases += text("  <testcase classname=\"{}\" name=\"{}\" time=\"{}\">", lab,
                  escape_xml(r.spec->name), seconds_text(r.time));
    if (r.verdict != Verdict::pass && !r.spec->warning) {
      ++failures;
      cases += text("<failure message=\"{}\">{}</failure>", verdict_name(r.verdict),
                    escape_xml(r.evidence.words));
    }
    cases += "</testcase>\n";
  }
  return text(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{}\" tests=\"{}\" "
      "failures=\"{}\">\n{}</testsuite>\n",
      lab, session.checks().size(), failures, cases);
}

}  // namespace stackyard
