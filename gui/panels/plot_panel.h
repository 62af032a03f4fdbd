// gui/panels/plot_panel.h - plots of whatever tables count, live and afterwards.
#pragma once

#include <QTimer>
#include <QWidget>
#include <memory>
#include <vector>

#include "gui/canvas/colours.h"
#include "gui/model/plot_series.h"

class QChart;
class QChartView;
class QComboBox;
class QLabel;
class QLineSeries;
class QValueAxis;

namespace stackyard::gui {

class LabClient;

class PlotPanel final : public QWidget {
  Q_OBJECT
 public:
  PlotPanel(LabClient& client, const Colours& colours, QWidget* parent = nullptr);
  ~PlotPanel() override;
  void add(const PlotWhat& what);
  void restart();
  void setColours();
  int count() const { return int(lines_.size()); }
  const PlotSeries& series(int index) const { return *lines_[size_t(index)].series; }
  // What is shown: a header, then time and a value for each line that has one then.
  QString csv() const;
  bool savePicture(const QString& path);
  void refresh();
  void setStep(const QString& step);

 signals:
  void addWanted();

 private:
  struct Line {
    std::unique_ptr<PlotSeries> series;
    QLineSeries* shown;
    bool right;  // its axis
  };
  void askSave(bool picture);
  void removeLast();

  LabClient& client_;
  const Colours& colours_;
  QChart* chart_;
  QChartView* view_;
  QValueAxis *time_, *value_, *other_;
  QComboBox *step_, *window_;
  QLabel* message_;
  std::vector<Line> lines_;
  QTimer timer_;
  size_t seen_ = 0;  // points, when it was drawn last
};

}  // namespace stackyard::gui
