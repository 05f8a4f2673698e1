using System.Globalization;
using NativeRanger.Numerics;

namespace NativeRanger.Tests.Runtime;

/// <summary>So many groups and parameters that a list of them on the stack, or a comparison of all pairs, would be noticed.</summary>
public sealed class ManyGroupsTests
{
    private const int Count = 100_000;

    private static readonly Ranger Recipe = new() { LearningRate = 1, ClipNorm = 1e9 };

    private readonly Parameter<float>[] parameters =
    [
        .. Enumerable
            .Range(0, Count)
            .Select(i => Parameter.Of(i.ToString(CultureInfo.InvariantCulture), new float[] { i })),
    ];

    [Theory]
    [InlineData(Count, false)]
    [InlineData(Count / 5, true)]
    public void Fault_43_many_groups(int count, bool managed) =>
        IsStepped(
            count,
            Recipe.Bind(
                parameters.Take(count).Select(parameter => new ParameterGroup<float>(parameter)),
                managed ? Backend.Managed : Backend.Native
            )
        );

    [Fact]
    public void Fault_43_a_hundred_thousand_parameters_of_one_array()
    {
        var all = new float[Count];
        for (var i = 0; i < Count; i++)
        {
            all[i] = i;
            parameters[i] = Parameter.Of(parameters[i].Name, all.AsMemory(i, 1));
        }

        IsStepped(Count, Recipe.Bind(parameters));
        Assert.Throws<ArgumentException>(() =>
            Recipe.Bind([.. parameters, Parameter.Of("again", all.AsMemory(500, 1))])
        );
    }

    private void IsStepped(int count, Stepper<float> stepper)
    {
        using (stepper)
        {
            var gradients = parameters.Take(count).Select(_ => new float[] { 1 }).ToArray();
            for (var t = 0; t < 3; t++)
            {
                Assert.True(stepper.Step(gradients));
            }

            // Unrectified steps along the bias-corrected mean of equal gradients: 1 each, but for the rounding of large i.
            for (var i = 0; i < count; i++)
            {
                Assert.Equal(i - 3, parameters[i].Slice(0, 1)[0], 0.05f);
            }

            Assert.Equal(3, stepper.ParameterSteps(count - 1));
            Assert.Throws<ArgumentException>(() => stepper.AddGroup(new(parameters[7])));
            gradients[^1] = new float[2];
            Assert.Throws<ArgumentException>(() => stepper.Step(gradients));
            Assert.Equal(3, stepper.StepCount);
        }
    }
}
