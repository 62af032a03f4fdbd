// gui/model/plot_series.h - one line of a plot: a column of a table, sampled in simulated time, or
// what packets take from one link to another.
#pragma once

#include <QHash>
#include <QMap>
#include <QObject>
#include <QPointF>
#include <QPointer>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "gui/client/subscription.h"

namespace stackyard::gui {

struct PlotWhat {
  QString title, unit;
  QString node, table, column;
  QMap<QString, QString> match;  // which row: its columns' words
  bool rate = false;             // what it grows by, a second
  double factor = 1;
  QString from_link, to_link;  // a delay, if given

  bool isDelay() const { return !to_link.isEmpty(); }
};

// Of a row of the lab's table of link ends.
PlotWhat throughputOf(const QString& link, const QString& end);
PlotWhat queueOf(const QString& link, const QString& end);
PlotWhat dropsOf(const QString& link, const QString& end, bool lost);
PlotWhat delayBetween(const QString& from, const QString& to);

class PlotSeries final : public QObject {
  Q_OBJECT
 public:
  static constexpr size_t most = 200'000;  // points; then every second one goes

  PlotSeries(LabClient& client, PlotWhat what, QString step, QObject* parent = nullptr);
  const PlotWhat& what() const { return what_; }
  // Another lab, or the same from its beginning: forgets, and asks anew.
  void restart();
  void setStep(const QString& step);
  // Seconds, and the unit's.
  const std::vector<QPointF>& points() const { return points_; }
  // Enough of them to draw `count` columns between two times: of each the least and the most.
  QList<QPointF> drawn(double from, double to, int count) const;
  // A `samples` message; a frame that has left by a link. Public for tests.
  void take(const nlohmann::json& params);
  void frame(const QString& link, quint64 id, qint64 time);

 signals:
  void refused(const QString& why);

 private:
  void subscribe(const QString& method, const nlohmann::json& params, Subscription::Take take);
  void add(qint64 time, double value);

  QPointer<LabClient> client_;  // it may end first
  PlotWhat what_;
  QString step_;
  std::vector<QPointF> points_;
  size_t every_ = 1, skipped_ = 0;
  bool has_last_ = false;
  double last_value_ = 0;
  qint64 last_time_ = 0;
  QHash<quint64, qint64> left_;  // packets on their way, and when they left
  std::vector<std::unique_ptr<Subscription>> subscriptions_;
};

}  // namespace stackyard::gui
