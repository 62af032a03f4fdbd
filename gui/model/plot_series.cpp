#include "gui/model/plot_series.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace stackyard::gui {

namespace {

constexpr qsizetype on_way_most = 100'000;

PlotWhat ofLink(const QString& title, const QString& link, const QString& end,
                const QString& column) {
  PlotWhat what;
  what.title = title;
  what.table = QStringLiteral("links");
  what.column = column;
  what.match = {{QStringLiteral("link"), link}, {QStringLiteral("end"), end}};
  return what;
}

}  // namespace

PlotWhat throughputOf(const QString& link, const QString& end) {
  PlotWhat what =
      ofLink(QObject::tr("%1 from %2").arg(link, end), link, end, QStringLiteral("octets"));
  what.rate = true;
  what.factor = 8e-6;
  what.unit = QStringLiteral("Mbit/s");
  return what;
}

PlotWhat queueOf(const QString& link, const QString& end) {
  PlotWhat what = ofLink(QObject::tr("queue of %1").arg(end), link, end, QStringLiteral("queued"));
  what.unit = QObject::tr("packets");
  return what;
}

PlotWhat dropsOf(const QString& link, const QString& end, bool lost) {
  PlotWhat what = ofLink(lost ? QObject::tr("lost on %1 from %2").arg(link, end)
                              : QObject::tr("drops at the queue of %1").arg(end),
                         link, end, lost ? QStringLiteral("lost") : QStringLiteral("queue_full"));
  what.rate = true;
  what.unit = QObject::tr("packets/s");
  return what;
}

PlotWhat delayBetween(const QString& from, const QString& to) {
  PlotWhat what;
  what.title = QObject::tr("delay from %1 to %2").arg(from, to);
  what.unit = QStringLiteral("ms");
  what.from_link = from;
  what.to_link = to;
  return what;
}

PlotSeries::PlotSeries(LabClient& client, PlotWhat what, QString step, QObject* parent)
    : QObject(parent), client_(&client), what_(std::move(what)), step_(std::move(step)) {
  restart();
}

void PlotSeries::setStep(const QString& step) {
  if (step == step_) return;
  step_ = step;
  const auto kept = points_;
  restart();
  points_ = kept;
}

void PlotSeries::restart() {
  subscriptions_.clear();
  points_.clear();
  left_.clear();
  every_ = 1;
  skipped_ = 0;
  has_last_ = false;
  if (!client_ || !client_->isOpen()) return;
  if (what_.isDelay()) {
    // The packets' names alone: of them a flood has room for many.
    for (const QString& link : {what_.from_link, what_.to_link})
      subscribe(QStringLiteral("packet"),
                {{"what", "packets"}, {"on", link.toStdString()}, {"snaplen", 1}, {"lossy", true}},
                [this, link](const Json& params) {
                  frame(link, params.value("id", quint64(0)), params.value("time", qint64(0)));
                });
    return;
  }
  Json match = Json::object();
  for (auto it = what_.match.begin(); it != what_.match.end(); ++it)
    match[it.key().toStdString()] = it.value().toStdString();
  subscribe(QStringLiteral("samples"),
            {{"what", "samples"},
             {"node", what_.node.toStdString()},
             {"table", what_.table.toStdString()},
             {"columns", {what_.column.toStdString()}},
             {"match", match},
             {"step", step_.toStdString()}},
            [this](const Json& params) { take(params); });
}

void PlotSeries::subscribe(const QString& method, const Json& params, Subscription::Take take) {
  subscriptions_.push_back(
      std::make_unique<Subscription>(*client_, method, params, std::move(take),
                                     [this](const QString& why) { emit refused(why); }));
}

void PlotSeries::take(const Json& params) {
  for (const Json& sample : params.at("samples")) {
    double sum = 0;
    bool any = false;
    for (const Json& row : sample.at("rows")) {
      if (!row.at(0).is_number()) continue;
      sum += row.at(0).get<double>();
      any = true;
    }
    if (!any) continue;
    const auto time = sample.at("time").get<qint64>();
    if (!what_.rate) {
      add(time, sum * what_.factor);
    } else if (has_last_ && time > last_time_) {
      add(time, (sum - last_value_) * what_.factor * 1e9 / double(time - last_time_));
    }
    has_last_ = true;
    last_value_ = sum;
    last_time_ = time;
  }
}

void PlotSeries::frame(const QString& link, quint64 id, qint64 time) {
  if (!what_.isDelay()) return;
  if (link == what_.to_link) {
    const auto found = left_.constFind(id);
    if (found == left_.constEnd() || time <= *found) return;
    add(time, double(time - *found) / 1e6);
    left_.erase(found);
  } else if (link == what_.from_link) {
    if (left_.size() > on_way_most) left_.clear();  // most of them have died
    if (!left_.contains(id)) left_.insert(id, time);
  }
}

void PlotSeries::add(qint64 time, double value) {
  if (++skipped_ < every_) return;
  skipped_ = 0;
  points_.emplace_back(double(time) / 1e9, value);
  if (points_.size() < most) return;
  size_t kept = 0;
  for (size_t i = 0; i < points_.size(); i += 2) points_[kept++] = points_[i];
  points_.resize(kept);
  every_ *= 2;
}

QList<QPointF> PlotSeries::drawn(double from, double to, int count) const {
  const auto before = [](const QPointF& p, double x) { return p.x() < x; };
  auto first = std::lower_bound(points_.begin(), points_.end(), from, before);
  if (first != points_.begin()) --first;  // the line comes in from the left
  const auto last = std::lower_bound(first, points_.end(), to, before);
  QList<QPointF> all;
  const auto there = last - first;
  if (there <= 2 * count) {
    all.reserve(there);
    for (auto at = first; at != last; ++at) all.append(*at);
    return all;
  }
  const double width = std::max((to - from) / count, 1e-9);
  for (auto at = first; at != last;) {
    const double end = std::max(from, at->x()) + width;
    auto least = at, most_of = at;
    for (; at != last && at->x() < end; ++at) {
      if (at->y() < least->y()) least = at;
      if (at->y() > most_of->y()) most_of = at;
    }
    all.append(least < most_of ? *least : *most_of);
    if (least != most_of) all.append(least < most_of ? *most_of : *least);
  }
  return all;
}

}  // namespace stackyard::gui
