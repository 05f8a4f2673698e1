namespace NativeRanger.Mpi.Tests.Sharding;

/// <summary>The ranges of the ranks: all elements, once, equally many, cut only where parameters may be cut.</summary>
public sealed class PartitionTests
{
    [Fact]
    public void Ranges_cover_everything_once_and_are_balanced_to_within_a_unit()
    {
        var random = new Random(3);
        for (var trial = 0; trial < 500; trial++)
        {
            var ranks = random.Next(1, 12);
            Divisible[] parameters =
            [
                .. Enumerable
                    .Range(0, random.Next(1, 8))
                    .Select(_ => new Divisible(random.Next(0, 60_000), random.Next(1, 5000))),
            ];
            var owned = new long[ranks];
            var ranges = Partition.Cut(parameters, owned);

            var total = parameters.Sum(p => p.Length);
            var unit = parameters.Max(p => p.Unit);
            Assert.Equal(total, owned.Sum());
            Assert.All(owned, o => Assert.InRange(o, (total / ranks) - unit, (total / ranks) + unit + 1));
            foreach (var (parameter, cut) in parameters.Zip(ranges))
            {
                var end = 0L;
                foreach (var range in cut.Where(r => r.Length > 0))
                {
                    Assert.Equal(end, range.Start);
                    Assert.True(
                        range.Start % parameter.Unit == 0,
                        $"{range} is not cut at a multiple of {parameter.Unit}"
                    );
                    end = range.End;
                }

                Assert.Equal(parameter.Length, end);
            }
        }
    }

    [Fact]
    public void Groups_that_are_added_later_go_to_those_who_own_least()
    {
        var owned = new long[] { 100, 0, 50 };
        Partition.Cut([new(150, 1)], owned);

        Assert.Equal([100, 100, 100], owned);
    }
}
