#include "decoder/decoder_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"
#include "tests/support/fake_networks.h"

namespace larimar::decoder {
namespace {

using linalg::Matrix;

struct Bench {
  support::FakeDecoder decoder{3};
  support::ByteTokenizer tokenizer;
  DecoderService service{decoder, tokenizer};
};

std::string text_of(Bench& bench, const Matrix& row) { return bench.tokenizer.decode(bench.decoder.decode(row)[0]); }

TEST(DecoderService, RowsKeepTheirPlacesAndZeroRowsAreEmpty) {
  Bench bench;
  const Matrix z{{0.0F, 0.0F, 0.0F}, {1.0F, 2.0F, 3.0F}, {0.0F, 0.0F, 0.0F}, {0.5F, 0.0F, 0.0F}, {-0.0F, 0.0F, 0.0F}};
  const auto texts = bench.service.decode(z);
  EXPECT_THAT(texts, testing::ElementsAre("", text_of(bench, z.row(1)), "", text_of(bench, z.row(3)), ""));
  EXPECT_THAT(bench.service.decode(Matrix::Zero(2, 3)), testing::ElementsAre("", ""));
  EXPECT_TRUE(bench.service.decode(Matrix(0, 3)).empty());
}

TEST(DecoderService, AnotherWidthIsRefusedEvenWithNothingToDecode) {
  Bench bench;
  EXPECT_THROW(static_cast<void>(bench.service.decode(Matrix::Ones(1, 4))), base::ShapeError);
  EXPECT_THROW(static_cast<void>(bench.service.decode(Matrix::Zero(1, 2))), base::ShapeError);
}

}  // namespace
}  // namespace larimar::decoder
