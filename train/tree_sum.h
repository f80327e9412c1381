#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace larimar::train {

/// Things `first` to `last` - 1 in order.
struct Rows {
  std::size_t first = 0, last = 0;
  [[nodiscard]] std::size_t size() const { return last - first; }
  friend bool operator==(const Rows&, const Rows&) = default;
};

/// Part `part` of `count` things that are cut into `parts` runs, none larger than another by more than one. parts > 0.
[[nodiscard]] Rows even_part(std::size_t count, std::size_t part, std::size_t parts);

/// Sums of neighbouring rows by a binary tree over `leaves` rows that is the same whoever adds: rows 0 and 1, then 2 and 3, then
/// those two sums, and so on. Float addition is not associative, so this fixed order is what makes a sum bitwise the same on any
/// number of ranks. Holds the sums of a run of rows that nothing can yet be added to: at most two for each level of the tree.
/// Owns its rows; used by one thread.
class TreeSum {
 public:
  /// Shapes  rows of `length` floats.  Throws ConfigError unless leaves > 0.
  TreeSum(std::size_t leaves, std::size_t length);

  /// Adds what stands for the run `rows`, which begins where the one before ended: one row, or all the sums of such a run.
  /// Shapes  sums [pieces(rows) * length].  Throws ShapeError for another length, or a run that is not the next one.
  void push(Rows rows, std::span<const float> sums);
  /// The sums so far, in order. Shapes: [pieces(run so far) * length]. Leaves this empty.
  [[nodiscard]] std::vector<float> take();

  /// How many sums stand for a run of rows: 1 for all of them.
  [[nodiscard]] std::size_t pieces(Rows rows) const;

 private:
  struct Sum {
    Rows rows;
    std::vector<float> values;
  };
  [[nodiscard]] bool are_siblings(Rows left, Rows right) const;
  [[nodiscard]] std::vector<Rows> nodes(Rows rows) const;

  std::size_t leaves_, length_;
  std::vector<Sum> sums_;
};

}  // namespace larimar::train
