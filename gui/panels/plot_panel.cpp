#include "gui/panels/plot_panel.h"

#include <QChart>
#include <QChartView>
#include <QComboBox>
#include <QFileDialog>
#include <QGraphicsLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLegend>
#include <QLineSeries>
#include <QMessageBox>
#include <QToolButton>
#include <QVBoxLayout>
#include <QValueAxis>
#include <algorithm>
#include <cmath>
#include <map>

namespace stackyard::gui {

namespace {

constexpr int drawn_every_ms = 100;
constexpr int columns = 900;

// Okabe and Ito's, and a stroke for each: a colour alone does not tell everybody.
QPen penOf(size_t line, bool dark) {
  static const QColor inks[] = {{0x00, 0x72, 0xb2}, {0xd5, 0x5e, 0x00}, {0x00, 0x9e, 0x73},
                                {0xcc, 0x79, 0xa7}, {0xe6, 0x9f, 0x00}, {0x56, 0xb4, 0xe9}};
  static const Qt::PenStyle strokes[] = {Qt::SolidLine, Qt::DashLine, Qt::DotLine, Qt::DashDotLine};
  const QColor ink = inks[line % std::size(inks)];
  return QPen(dark ? ink.lighter(125) : ink, 2, strokes[line % std::size(strokes)]);
}

}  // namespace

PlotPanel::PlotPanel(LabClient& client, const Colours& colours, QWidget* parent)
    : QWidget(parent),
      client_(client),
      colours_(colours),
      chart_(new QChart),
      view_(new QChartView(chart_)),
      time_(new QValueAxis),
      value_(new QValueAxis),
      other_(new QValueAxis),
      step_(new QComboBox),
      window_(new QComboBox),
      message_(new QLabel) {
  chart_->addAxis(time_, Qt::AlignBottom);
  chart_->addAxis(value_, Qt::AlignLeft);
  chart_->addAxis(other_, Qt::AlignRight);
  other_->setVisible(false);
  chart_->setMargins(QMargins(4, 4, 4, 4));
  chart_->layout()->setContentsMargins(0, 0, 0, 0);
  chart_->legend()->setAlignment(Qt::AlignTop);
  time_->setTickInterval(1);
  time_->setTickType(QValueAxis::TicksDynamic);
  time_->setTitleText(tr("simulated time, s"));
  view_->setRenderHint(QPainter::Antialiasing);
  view_->setAccessibleName(tr("Plot"));
  for (const char* step : {"1ms", "10ms", "100ms", "1s"})
    step_->addItem(tr("every %1").arg(QLatin1String(step)), QLatin1String(step));
  step_->setCurrentIndex(1);
  step_->setToolTip(tr("How often, in simulated time"));
  for (const auto& [title, seconds] : {std::pair(tr("everything"), 0),
                                       {tr("last second"), 1},
                                       {tr("last 10 s"), 10},
                                       {tr("last minute"), 60}})
    window_->addItem(title, seconds);
  message_->hide();
  auto* row = new QHBoxLayout;
  const auto button = [&](const QString& words, auto done) {
    auto* made = new QToolButton;
    made->setText(words);
    connect(made, &QToolButton::clicked, this, done);
    row->addWidget(made);
  };
  button(tr("Add…"), [this] { emit addWanted(); });
  button(tr("Remove the last"), [this] { removeLast(); });
  row->addWidget(step_);
  row->addWidget(window_);
  row->addStretch();
  button(tr("PNG…"), [this] { askSave(true); });
  button(tr("CSV…"), [this] { askSave(false); });
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(4, 4, 4, 4);
  layout->addLayout(row);
  layout->addWidget(message_);
  layout->addWidget(view_);
  connect(step_, &QComboBox::currentIndexChanged, this,
          [this] { setStep(step_->currentData().toString()); });
  connect(window_, &QComboBox::currentIndexChanged, this, [this] {
    seen_ = 0;
    refresh();
  });
  connect(&timer_, &QTimer::timeout, this, &PlotPanel::refresh);
  timer_.start(drawn_every_ms);
  setColours();
}

PlotPanel::~PlotPanel() = default;

void PlotPanel::setColours() {
  chart_->setBackgroundBrush(colours_.ground);
  chart_->setBackgroundRoundness(0);
  chart_->legend()->setLabelColor(colours_.ink);
  QColor grid = colours_.faint;
  grid.setAlpha(90);
  for (QValueAxis* axis : {time_, value_, other_}) {
    axis->setLabelsColor(colours_.ink);
    axis->setTitleBrush(colours_.ink);
    axis->setGridLineColor(grid);
    axis->setLinePenColor(colours_.faint);
  }
  for (size_t i = 0; i < lines_.size(); ++i) lines_[i].shown->setPen(penOf(i, colours_.dark));
}

void PlotPanel::add(const PlotWhat& what) {
  auto* shown = new QLineSeries;
  shown->setName(what.unit.isEmpty() ? what.title
                                     : QStringLiteral("%1, %2").arg(what.title, what.unit));
  shown->setPen(penOf(lines_.size(), colours_.dark));
  chart_->addSeries(shown);
  shown->attachAxis(time_);
  // A second unit has the axis on the right.
  const bool right = !lines_.empty() && lines_.front().series->what().unit != what.unit;
  shown->attachAxis(right ? other_ : value_);
  QStringList units{what.unit};
  for (const Line& line : lines_)
    if (line.right == right) units.append(line.series->what().unit);
  units.removeDuplicates();
  units.sort();
  (right ? other_ : value_)->setTitleText(units.join(QLatin1String(", ")));
  if (right) other_->setVisible(true);
  lines_.push_back(
      {std::make_unique<PlotSeries>(client_, what, step_->currentData().toString()), shown, right});
  connect(lines_.back().series.get(), &PlotSeries::refused, this, [this](const QString& why) {
    message_->setText(why);
    message_->show();
  });
  message_->hide();
}

void PlotPanel::removeLast() {
  if (lines_.empty()) return;
  chart_->removeSeries(lines_.back().shown);
  delete lines_.back().shown;
  lines_.pop_back();
  seen_ = 0;
}

void PlotPanel::restart() {
  for (Line& line : lines_) line.series->restart();
  seen_ = 0;
}

void PlotPanel::setStep(const QString& step) {
  step_->setCurrentIndex(step_->findData(step));
  for (Line& line : lines_) line.series->setStep(step);
}

void PlotPanel::refresh() {
  size_t now = 0;
  double last = 0, first = 1e300;
  for (const Line& line : lines_) {
    const auto& points = line.series->points();
    now += points.size();
    if (points.empty()) continue;
    last = std::max(last, points.back().x());
    first = std::min(first, points.front().x());
  }
  if (now == seen_ || !isVisible()) return;
  seen_ = now;
  const double window = window_->currentData().toDouble();
  const double from = window > 0 ? std::max(0.0, last - window) : std::min(first, last);
  double top[2] = {}, bottom[2] = {};
  for (Line& line : lines_) {
    const QList<QPointF> points = line.series->drawn(from, last + 1e-9, columns);
    for (const QPointF& point : points) {
      top[line.right] = std::max(top[line.right], point.y());
      bottom[line.right] = std::min(bottom[line.right], point.y());
    }
    line.shown->replace(points);
  }
  // Ticks at round times.
  const double rough = std::max(last - from, 1e-6) / 7;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double part = rough / power;
  const double interval = power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
  // A long time with the ticks of a short one would have millions, if only for a moment.
  if (interval > time_->tickInterval()) time_->setTickInterval(interval);
  time_->setRange(from, std::max(last, from + 1e-6));
  time_->setTickInterval(interval);
  for (const bool right : {false, true}) {
    QValueAxis* axis = right ? other_ : value_;
    axis->setRange(bottom[right], top[right] > 0 ? top[right] * 1.08 : 1);
    axis->applyNiceNumbers();
  }
}

QString PlotPanel::csv() const {
  QString all = QStringLiteral("time");
  std::map<double, std::vector<QString>> rows;
  for (size_t i = 0; i < lines_.size(); ++i) {
    const PlotWhat& what = lines_[i].series->what();
    QString title = what.title + QStringLiteral(" (%1)").arg(what.unit);
    all += QStringLiteral(",\"%1\"").arg(title.replace(QLatin1Char('"'), QLatin1String("\"\"")));
    for (const QPointF& point : lines_[i].series->points()) {
      auto& row = rows[point.x()];
      row.resize(lines_.size());
      row[i] = QString::number(point.y(), 'g', 10);
    }
  }
  all += QLatin1Char('\n');
  for (const auto& [time, values] : rows) {
    all += QString::number(time, 'f', 9);
    for (const QString& value : values) all += QLatin1Char(',') + value;
    all += QLatin1Char('\n');
  }
  return all;
}

bool PlotPanel::savePicture(const QString& path) {
  seen_ = 0;
  refresh();
  QPixmap picture(view_->size() * 2);
  picture.setDevicePixelRatio(2);
  picture.fill(colours_.ground);
  QPainter painter(&picture);
  painter.setRenderHint(QPainter::Antialiasing);
  view_->render(&painter);
  painter.end();
  return picture.save(path);
}

void PlotPanel::askSave(bool picture) {
  const QString path =
      QFileDialog::getSaveFileName(this, picture ? tr("Save the plot") : tr("Save the values"), {},
                                   picture ? tr("Pictures (*.png)") : tr("Tables (*.csv)"));
  if (path.isEmpty()) return;
  bool done = false;
  if (picture) {
    done = savePicture(path);
  } else {
    QFile file(path);
    done = file.open(QIODevice::WriteOnly) && file.write(csv().toUtf8()) >= 0;
  }
  if (!done) QMessageBox::warning(this, tr("Save"), tr("%1 cannot be written").arg(path));
}

}  // namespace stackyard::gui
