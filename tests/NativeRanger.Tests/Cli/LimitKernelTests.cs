using System.Numerics;
using NativeRanger.Cli;
using NativeRanger.Cli.Bench;

namespace NativeRanger.Tests.Cli;

public sealed unsafe class LimitKernelTests
{
    private const int Padding = 32;
    private static readonly int[] Lengths = [0, 1, 15, 16, 17, 63, 64, 100, 1000, 5000];

    public static TheoryData<int, bool, int> Kernels
    {
        get
        {
            var data = new TheoryData<int, bool, int>();
            for (var arrays = 1; arrays <= LimitLibrary.MostArrays; arrays++)
            {
                data.Add(arrays, p2: false, 1);
                data.Add(arrays, p2: true, 1);
                data.Add(arrays, p2: true, 3);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_pass_changes_no_value(int arrays, bool prefetch, int threads)
    {
        Assert.All(
            Lengths,
            n => Run(arrays, prefetch, threads, n, 0.25f, (_, value, before) => Assert.Equal(before, value))
        );
        Assert.All(
            Lengths,
            n => Run(arrays, prefetch, threads, n, 0.25, (_, value, before) => Assert.Equal(before, value))
        );
    }

    /// <summary>0 times a gradient that is not a number shows where the pass has been.</summary>
    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_pass_touches_every_element_of_every_array_and_nothing_else(int arrays, bool prefetch, int threads)
    {
        Assert.All(Lengths, n => Run(arrays, prefetch, threads, n, float.NaN, Touched(n)));
        Assert.All(Lengths, n => Run(arrays, prefetch, threads, n, double.NaN, Touched(n)));

        static Action<int, double, double> Touched(int n) =>
            (i, value, before) => Assert.Equal(i < n ? double.NaN : before, value);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(LimitLibrary.MostArrays + 1)]
    public void A_pass_over_too_few_or_too_many_arrays_is_refused(int arrays)
    {
        using var team = new LimitTeam(1);
        float gradient = 1;
        var pass = new LimitLibrary.Pass
        {
            ElementBytes = sizeof(float),
            ArrayCount = arrays,
            Elements = 1,
            Gradient = &gradient,
        };

        Assert.Throws<ArgumentException>(() => team.Time(pass, 0, 1));
    }

    [Fact]
    public void A_team_without_threads_is_refused() => Assert.Throws<UserErrorException>(() => new LimitTeam(0));

    private static void Run<T>(
        int arrays,
        bool prefetch,
        int threads,
        int elements,
        T gradient,
        Action<int, double, double> check
    )
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var memory = new LimitMemory(1 + arrays, (elements + Padding) * sizeof(T));
        using var team = new LimitTeam(threads);
        new Span<T>(memory.Array(0), elements).Fill(gradient);
        var pass = new LimitLibrary.Pass
        {
            ElementBytes = sizeof(T),
            ArrayCount = arrays,
            Prefetch = prefetch ? 1 : 0,
            Elements = elements,
            Gradient = memory.Array(0),
        };
        for (var j = 0; j < arrays; j++)
        {
            pass.Arrays[j] = (nint)memory.Array(1 + j);
            var values = new Span<T>(memory.Array(1 + j), elements + Padding);
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = T.CreateChecked(Before(j, i));
            }
        }

        Assert.True(team.Time(pass, untimed: 1, timed: 2) >= 0);

        for (var j = 0; j < arrays; j++)
        {
            var values = new Span<T>(memory.Array(1 + j), elements + Padding);
            for (var i = 0; i < values.Length; i++)
            {
                check(i, double.CreateChecked(values[i]), Before(j, i));
            }
        }
    }

    private static double Before(int array, int element) => (1000 * array) + element;
}
