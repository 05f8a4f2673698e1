namespace NativeRanger.Tests.Runtime;

/// <summary>A gradient is the memory that it was made of.</summary>
public sealed class GradientTests
{
    private readonly float[] values = [1, 2, 3, 4];

    [Fact]
    public void Gradients_are_equal_where_they_are_the_same_memory()
    {
        Gradient<float> whole = values;
        Gradient<float> part = values.AsMemory(1, 2);
        Assert.True(whole == Gradient<float>.FromArray(values));
        Assert.True(whole != part);
        Assert.True(part.Equals((object)new Gradient<float>(values.AsMemory(1, 2))));
        Assert.False(whole.Equals((object)values));
        Assert.Equal(whole.GetHashCode(), Gradient<float>.FromArray(values).GetHashCode());
        Assert.NotEqual(whole, (float[])[1, 2, 3, 4]);
        Assert.NotEqual(Gradient<float>.None, Gradient<float>.FromArray([]));
    }

    [Fact]
    public void Memory_that_is_only_read_is_a_gradient_too()
    {
        ReadOnlyMemory<float> memory = values.AsMemory(2);
        Gradient<float> gradient = memory;
        Assert.Equal([3, 4], gradient.Slice(0, 2).ToArray());
        Assert.Equal(2, gradient.Length);
    }

    [Fact]
    public void Null_is_no_gradient_and_no_device_buffer()
    {
        Assert.True(Gradient<float>.FromArray(null).IsNone);
        Assert.True(Gradient<float>.FromDeviceBuffer(null).IsNone);
        Assert.Throws<ArgumentNullException>(() => new Gradient<float>((DeviceBuffer<float>)null!));
        Assert.Throws<ArgumentNullException>(() => new Parameter<float>("p", (DeviceBuffer<float>)null!));
        Assert.Throws<ArgumentNullException>(() => new Sgd().Bind((DeviceBuffer<float>)null!));
        using var stepper = new Sgd().Bind(values);
        Assert.Throws<ArgumentNullException>(() => stepper.Step((DeviceBuffer<float>)null!));
    }
}
