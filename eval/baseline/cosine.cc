#include "eval/baseline/cosine.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "common/base/interrupt.h"
#include "common/linalg/fixed_dot.h"

namespace larimar::eval::baseline {
namespace {

constexpr std::size_t kTextsTogether = 256;  // between two looks whether to stop

class CosineRanker final : public Ranker {
 public:
  explicit CosineRanker(model::KeyEncoder& encoder) : encoder_(encoder) {}

  std::vector<std::vector<Ranked>> rank(const ContextPassages& context, std::span<const std::string> queries,
                                        std::size_t count) override {
    const linalg::Matrix keys = keys_of(context);
    const linalg::Matrix asked = encoder_.encode(queries);
    const std::size_t passages = context.size();
    std::vector<float> scores(passages * queries.size());
    if (!scores.empty()) {
      const auto floats = [](const linalg::Matrix& rows) {
        return std::span(rows.data(), static_cast<std::size_t>(rows.size()));
      };
      linalg::dot_scores({floats(keys), floats(asked), static_cast<std::size_t>(encoder_.key_size()), scores});
    }
    std::vector<std::vector<Ranked>> ranked;
    for (std::size_t q = 0; q < queries.size(); ++q)
      ranked.push_back(best(std::span(scores).subspan(q * passages, passages), count));
    return ranked;
  }

 private:
  linalg::Matrix keys_of(const ContextPassages& context) {
    std::vector<std::string> missing;
    std::unordered_set<std::string_view> listed;
    const auto encode_missing = [&] {
      base::throw_if_interrupted();
      const linalg::Matrix keys = encoder_.encode(missing);
      for (std::size_t i = 0; i < missing.size(); ++i)
        known_[std::move(missing[i])] = keys.row(static_cast<linalg::Index>(i));
      missing.clear();
    };
    for (const DocumentPassages* document : context.documents()) {
      for (const Passage& passage : document->passages) {
        if (known_.contains(passage.text) || !listed.insert(passage.text).second) continue;
        missing.push_back(passage.text);
        if (missing.size() == kTextsTogether) encode_missing();
      }
    }
    if (!missing.empty()) encode_missing();
    linalg::Matrix keys(static_cast<linalg::Index>(context.size()), encoder_.key_size());
    linalg::Index row = 0;
    for (const DocumentPassages* document : context.documents()) {
      for (const Passage& passage : document->passages) keys.row(row++) = known_.at(passage.text);
    }
    return keys;
  }

  static std::vector<Ranked> best(std::span<const float> scores, std::size_t count) {
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(count, order.size()));
    std::partial_sort(order.begin(), end, order.end(), [&](std::size_t a, std::size_t b) {
      return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
    });
    std::vector<Ranked> ranked;
    for (auto at = order.begin(); at != end; ++at) ranked.push_back({*at, static_cast<double>(scores[*at])});
    return ranked;
  }

  model::KeyEncoder& encoder_;
  std::unordered_map<std::string, linalg::RowVector> known_;
};

}  // namespace

std::unique_ptr<Ranker> make_cosine_ranker(model::KeyEncoder& encoder) {
  return std::make_unique<CosineRanker>(encoder);
}

}  // namespace larimar::eval::baseline
